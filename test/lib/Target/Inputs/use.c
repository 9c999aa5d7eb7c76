// Two models in one program, two threads in one model, the generic descriptor, and each error code.
#include "dynamic.h"
#include "square.h"
#include "nnc/Runtime.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static int failures;
#define CHECK(condition)                                                                                               \
  do {                                                                                                                 \
    if (!(condition)) {                                                                                                \
      printf("line %d: %s\n", __LINE__, #condition);                                                                   \
      ++failures;                                                                                                      \
    }                                                                                                                  \
  } while (0)

static void *runSquare(void *argument) {
  float x[SQUARE_X_NUMEL], y[SQUARE_Y_NUMEL];
  void *workspace = aligned_alloc(SQUARE_WORKSPACE_ALIGN, (SQUARE_WORKSPACE_SIZE + 63u) / 64u * 64u + 64u);
  float start = *(float *)argument;
  for (int round = 0; round < 1000; ++round) {
    for (int i = 0; i < (int)SQUARE_X_NUMEL; ++i)
      x[i] = start + (float)i;
    CHECK(square_run(x, y, workspace) == NNC_OK);
    for (int i = 0; i < (int)SQUARE_Y_NUMEL; ++i)
      CHECK(y[i] == (x[i] * x[i] + x[i]) * 2.0f);
  }
  free(workspace);
  return NULL;
}

static void runDynamic(int64_t batch) {
  dynamic_extents extents = {batch};
  dynamic_output_shape shape;
  CHECK(dynamic_output_extents(&extents, &shape) == NNC_OK);
  CHECK(shape.y_0 == batch && shape.t_1 == batch);
  uint64_t bytes = dynamic_workspace_size(&extents);
  CHECK(bytes >= 64u);
  size_t count = (size_t)batch * 8u;
  float *x = malloc(count * sizeof(float)), *y = malloc(count * sizeof(float)), *t = malloc(count * sizeof(float));
  void *workspace = aligned_alloc(64, (size_t)bytes + 64u);
  for (size_t i = 0; i < count; ++i)
    x[i] = (float)i;
  const void *inputs[] = {x};
  void *outputs[] = {y, t};
  CHECK(dynamic_model.invoke(inputs, outputs, &extents.batch, workspace, NULL) == NNC_OK);
  for (size_t i = 0; i < count; ++i) {
    CHECK(y[i] == (x[i] * x[i] + x[i]) * 2.0f);
    CHECK(t[i % 8u * (size_t)batch + i / 8u] == x[i]);
  }
  free(x), free(y), free(t), free(workspace);
}

int main(void) {
  float starts[2] = {1.0f, 5.0f};
  pthread_t threads[2];
  for (int i = 0; i < 2; ++i)
    pthread_create(&threads[i], NULL, runSquare, &starts[i]);
  for (int i = 0; i < 2; ++i)
    pthread_join(threads[i], NULL);
  runDynamic(1);
  runDynamic(13);

  _Alignas(64) unsigned char workspace[SQUARE_WORKSPACE_SIZE + 64u];
  float x[SQUARE_X_NUMEL] = {0}, y[SQUARE_Y_NUMEL];
  CHECK(square_run(NULL, y, workspace) == NNC_ERROR_NULL);
  CHECK(square_run(x, y, NULL) == NNC_ERROR_NULL);
  CHECK(square_run(x, y, workspace + 4) == NNC_ERROR_ALIGNMENT);
  CHECK(square_run((const float *)(const void *)((const char *)x + 1), y, workspace) == NNC_ERROR_ALIGNMENT);
  dynamic_extents none = {-1};
  CHECK(dynamic_run(x, y, y, &none, workspace) == NNC_ERROR_EXTENT);
  CHECK(dynamic_run(x, y, y, NULL, workspace) == NNC_ERROR_NULL);
  CHECK(dynamic_workspace_size(&none) == 0);

  const nnc_model *model = &square_model;
  CHECK(model->abi_version == NNC_ABI_VERSION && model->struct_size == sizeof(nnc_model));
  CHECK(model->num_inputs == 1 && model->inputs[0].rank == SQUARE_X_RANK && model->inputs[0].bytes == SQUARE_X_BYTES);
  CHECK(model->inputs[0].type == NNC_FLOAT32 && model->workspace_bytes == SQUARE_WORKSPACE_SIZE);
  CHECK(model->weights_bytes == SQUARE_WEIGHTS_BYTES && model->workspace_size == NULL);
  int64_t shape[] = SQUARE_X_SHAPE;
  CHECK(model->inputs[0].shape[0] == shape[0] && model->inputs[0].shape[1] == shape[1]);
  CHECK(dynamic_model.num_extents == 1 && dynamic_model.inputs[0].shape[0] == -1);
  printf("%d failures, stack of %d bytes\n", failures, (int)SQUARE_STACK_BYTES);
  return failures != 0;
}
