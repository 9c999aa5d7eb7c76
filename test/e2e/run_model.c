/* Runs the model MODEL of an object once, on any machine with a C library: extents (int64_t each) and inputs come from the
 * standard input; each output goes to the standard output as its shape (int64_t each) and its elements. */
#include "nnc/Runtime.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const nnc_model MODEL;

static size_t element_size(uint32_t type) {
  switch (type) {
  case NNC_INT16:
  case NNC_UINT16:
  case NNC_FLOAT16:
  case NNC_BFLOAT16:
    return 2;
  case NNC_INT32:
  case NNC_UINT32:
  case NNC_FLOAT32:
    return 4;
  case NNC_INT64:
  case NNC_UINT64:
  case NNC_FLOAT64:
    return 8;
  default:
    return 1;
  }
}

static void *allocate(size_t bytes) {
  void *memory = aligned_alloc(64, (bytes / 64 + 1) * 64);
  if (!memory)
    exit(101);
  memset(memory, 0xFF, bytes);
  return memory;
}

static int64_t get_extent(const nnc_tensor *tensor, uint32_t axis, const int64_t *extents) {
  return tensor->shape[axis] < 0 ? extents[tensor->extent_of[axis]] : tensor->shape[axis];
}

static size_t get_bytes(const nnc_tensor *tensor, const int64_t *extents) {
  size_t bytes = element_size(tensor->type);
  for (uint32_t axis = 0; axis < tensor->rank; ++axis)
    bytes *= (size_t)get_extent(tensor, axis, extents);
  return bytes;
}

static void read_all(void *memory, size_t bytes) {
  if (fread(memory, 1, bytes, stdin) != bytes)
    exit(102);
}

int main(void) {
  int64_t extents[64] = {0}, output_extents[64] = {0};
  const void *inputs[64];
  void *outputs[64];
  if (MODEL.abi_version != NNC_ABI_VERSION || MODEL.struct_size != sizeof(nnc_model))
    return 103;
  read_all(extents, MODEL.num_extents * sizeof *extents);
  for (uint32_t i = 0; i < MODEL.num_inputs; ++i) {
    size_t bytes = get_bytes(&MODEL.inputs[i], extents);
    void *input = allocate(bytes);
    read_all(input, bytes);
    inputs[i] = input;
  }
  if (MODEL.output_extents_for ? MODEL.output_extents_for(inputs, extents, output_extents)
                               : MODEL.output_extents && MODEL.output_extents(extents, output_extents))
    return 104;
  for (uint32_t i = 0; i < MODEL.num_outputs; ++i)
    outputs[i] = allocate(get_bytes(&MODEL.outputs[i], output_extents));
  uint64_t workspace = MODEL.workspace_size_for ? MODEL.workspace_size_for(inputs, extents)
                       : MODEL.workspace_size   ? MODEL.workspace_size(extents)
                                                : MODEL.workspace_bytes;
  void *memory = allocate((size_t)workspace);
  int code = MODEL.invoke_reporting
                 ? MODEL.invoke_reporting(inputs, outputs, extents, memory, NULL, output_extents)
                 : MODEL.invoke(inputs, outputs, extents, memory, NULL);
  for (uint32_t i = 0; i < MODEL.num_outputs; ++i) {
    for (uint32_t axis = 0; axis < MODEL.outputs[i].rank; ++axis) {
      int64_t extent = get_extent(&MODEL.outputs[i], axis, output_extents);
      fwrite(&extent, sizeof extent, 1, stdout);
    }
    fwrite(outputs[i], 1, get_bytes(&MODEL.outputs[i], output_extents), stdout);
  }
  return code;
}
