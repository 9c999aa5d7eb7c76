// The C++ wrapper, on a hand-written model: y[n] = 2 * x[n] with a run-time extent n.
#include "nnc/Model.hpp"

#include "gtest/gtest.h"

#include <functional>

static uint64_t workspaceSize(const int64_t *extents) {
  return extents[0] > 0 && extents[0] <= 100 ? static_cast<uint64_t>(extents[0]) * 4 : 0;
}

static int outputExtents(const int64_t *extents, int64_t *out) {
  if (extents[0] <= 0 || extents[0] > 100)
    return NNC_ERROR_EXTENT;
  out[0] = extents[0];
  return NNC_OK;
}

static int invoke(const void *const *inputs, void *const *outputs, const int64_t *extents, void *workspace,
                  const nnc_parallel *) {
  if (!workspace || reinterpret_cast<uintptr_t>(workspace) % 64 != 0)
    return NNC_ERROR_ALIGNMENT;
  for (int64_t i = 0; i < extents[0]; ++i)
    static_cast<float *>(outputs[0])[i] = 2 * static_cast<const float *>(inputs[0])[i];
  return NNC_OK;
}

static nnc_model makeDouble() {
  static const int64_t shape[] = {-1};
  static const int32_t extentOf[] = {0};
  static const nnc_tensor x = {"x", NNC_FLOAT32, 1, shape, extentOf, 0};
  static const nnc_tensor y = {"y", NNC_FLOAT32, 1, shape, extentOf, 0};
  static const char *const names[] = {"n"};
  nnc_model model = {};
  model.abi_version = NNC_ABI_VERSION;
  model.struct_size = sizeof(nnc_model);
  model.name = "double";
  model.num_inputs = model.num_outputs = 1;
  model.inputs = &x;
  model.outputs = &y;
  model.num_extents = model.num_output_extents = 1;
  model.extent_names = names;
  model.workspace_align = 64;
  model.workspace_size = workspaceSize;
  model.output_extents = outputExtents;
  model.invoke = invoke;
  return model;
}

static int codeOf(const std::function<void()> &body) {
  try {
    body();
  } catch (const nnc::Error &error) {
    EXPECT_STRNE(error.what(), "");
    return error.code;
  }
  return NNC_OK;
}

TEST(Model, RunsWithRunTimeExtents) {
  nnc_model description = makeDouble();
  nnc::Model model(description, {3});
  EXPECT_EQ(model.inputShape(0), std::vector<int64_t>{3});
  EXPECT_EQ(model.outputBytes(0), 12u);
  EXPECT_EQ(model.workspaceBytes(), 12u);
  const std::vector<float> x = {1, 2, 3};
  std::vector<float> y(3);
  model.run({nnc::view(x)}, {nnc::view(y)});
  EXPECT_EQ(y, (std::vector<float>{2, 4, 6}));
  model.setExtents({5});
  EXPECT_EQ(model.outputShape(0), std::vector<int64_t>{5});
}

TEST(Model, RefusesWhatDoesNotFit) {
  nnc_model description = makeDouble();
  EXPECT_EQ(codeOf([&] { nnc::Model(description, {}); }), NNC_ERROR_EXTENT);
  EXPECT_EQ(codeOf([&] { nnc::Model(description, {101}); }), NNC_ERROR_EXTENT);
  nnc::Model model(description, {3});
  std::vector<float> three(3), four(4);
  std::vector<int32_t> integers(3);
  const std::vector<float> constant(3);
  EXPECT_EQ(codeOf([&] { model.run({nnc::view(four)}, {nnc::view(three)}); }), NNC_ERROR_EXTENT);
  EXPECT_NE(codeOf([&] { model.run({nnc::view(integers)}, {nnc::view(three)}); }), NNC_OK);
  EXPECT_NE(codeOf([&] { model.run({nnc::view(three)}, {nnc::view(constant)}); }), NNC_OK);
  EXPECT_NE(codeOf([&] { model.run({}, {nnc::view(three)}); }), NNC_OK);
  EXPECT_EQ(codeOf([&] { model.run({nnc::view(three)}, {nnc::view(three)}); }), NNC_OK);
}

/// Keeps the positive elements.
static int invokeReporting(const void *const *inputs, void *const *outputs, const int64_t *extents, void *,
                           const nnc_parallel *, int64_t *outputExtents) {
  int64_t count = 0;
  for (int64_t i = 0; i < extents[0]; ++i)
    if (float x = static_cast<const float *>(inputs[0])[i]; x > 0)
      static_cast<float *>(outputs[0])[count++] = x;
  outputExtents[0] = count;
  return NNC_OK;
}

TEST(Model, ReportsExtentsThatDataDecide) {
  nnc_model description = makeDouble();
  description.invoke_reporting = invokeReporting;
  nnc::Model model(description, {3});
  const std::vector<float> x = {1, -2, 3};
  std::vector<float> y(3), few(2);
  EXPECT_EQ(model.outputShape(0), std::vector<int64_t>{3});
  model.run({nnc::view(x)}, {nnc::view(y)});
  EXPECT_EQ(model.outputShape(0), std::vector<int64_t>{2});
  EXPECT_EQ(y[1], 3);
  EXPECT_EQ(model.outputBytes(0), 12u); // room for all
  EXPECT_EQ(codeOf([&] { model.run({nnc::view(x)}, {nnc::view(few)}); }), NNC_ERROR_EXTENT);
}

/// As many elements as the second input says, all of the first's first.
static int outputExtentsFor(const void *const *inputs, const int64_t *, int64_t *out) {
  out[0] = *static_cast<const int64_t *>(inputs[1]);
  return out[0] < 0 ? NNC_ERROR_EXTENT : NNC_OK;
}

TEST(Model, MakesSizesOfValuesOfInputs) {
  nnc_model description = makeDouble();
  static const int64_t shapes[] = {1, -1};
  static const int32_t extentOf[] = {0};
  static const nnc_tensor inputs[] = {{"x", NNC_FLOAT32, 1, shapes, nullptr, 4},
                                      {"n", NNC_INT64, 1, shapes, nullptr, 8}};
  static const nnc_tensor output = {"y", NNC_FLOAT32, 1, shapes + 1, extentOf, 0};
  static const uint8_t marks[] = {0, 1};
  description.num_inputs = 2;
  description.inputs = inputs;
  description.outputs = &output;
  description.num_extents = 0;
  description.size_input = marks;
  description.output_extents = [](const int64_t *, int64_t *) -> int { return NNC_ERROR_NULL; };
  description.output_extents_for = outputExtentsFor;
  description.workspace_size_for = [](const void *const *, const int64_t *) -> uint64_t { return 64; };
  description.invoke = [](const void *const *in, void *const *out, const int64_t *, void *,
                          const nnc_parallel *) -> int {
    for (int64_t i = 0; i < *static_cast<const int64_t *>(in[1]); ++i)
      static_cast<float *>(out[0])[i] = *static_cast<const float *>(in[0]);
    return NNC_OK;
  };
  const float x = 3;
  int64_t n = 2;
  EXPECT_EQ(codeOf([&] { nnc::Model(description, {}); }), NNC_ERROR_NULL);
  nnc::Model model(description, {}, {nnc::View(), nnc::view(&n, 1)});
  EXPECT_EQ(model.outputShape(0), std::vector<int64_t>{2});
  n = 4; // asked for again in each run
  std::vector<float> y(4), few(2);
  EXPECT_EQ(codeOf([&] { model.run({nnc::view(&x, 1), nnc::view(&n, 1)}, {nnc::view(few)}); }), NNC_ERROR_EXTENT);
  model.run({nnc::view(&x, 1), nnc::view(&n, 1)}, {nnc::view(y)});
  EXPECT_EQ(y, std::vector<float>(4, 3));
  n = -1;
  EXPECT_EQ(codeOf([&] { model.run({nnc::view(&x, 1), nnc::view(&n, 1)}, {nnc::view(y)}); }), NNC_ERROR_EXTENT);
}

TEST(Model, TakesModelsOfBeforeExtentsWereReported) {
  nnc_model description = makeDouble();
  description.struct_size = offsetof(nnc_model, invoke_reporting);
  description.invoke_reporting = invokeReporting; // beyond the end of such a descriptor
  nnc::Model model(description, {3});
  const std::vector<float> x = {1, -2, 3};
  std::vector<float> y(3);
  model.run({nnc::view(x)}, {nnc::view(y)});
  EXPECT_EQ(y, (std::vector<float>{2, -4, 6}));
}

TEST(Model, TellsPreprocessingAndLabels) {
  static const float mean[] = {1, 2, 3}, scale[] = {0.5};
  static const nnc_preprocessing raw = {0, 0, 1, 3, 1, 0, mean, scale, "RGB"};
  static const nnc_preprocessing *const inputs[] = {&raw};
  static const char *const names[] = {"cat", "dog"};
  static const nnc_labels classes = {2, 0, names};
  static const nnc_labels *const outputs[] = {&classes};
  nnc_model description = makeDouble();
  EXPECT_EQ(nnc::Model(description, {3}).preprocessing(0), nullptr);
  EXPECT_TRUE(nnc::Model(description, {3}).labels(0).empty());
  description.preprocessing = inputs;
  description.labels = outputs;
  EXPECT_EQ(nnc::Model(description, {3}).preprocessing(0), &raw);
  EXPECT_EQ(nnc::Model(description, {3}).labels(0), (std::vector<std::string>{"cat", "dog"}));
  description.struct_size = offsetof(nnc_model, preprocessing); // of before
  EXPECT_EQ(nnc::Model(description, {3}).preprocessing(0), nullptr);
  EXPECT_TRUE(nnc::Model(description, {3}).labels(0).empty());
}

TEST(Model, RefusesAnotherVersion) {
  nnc_model description = makeDouble();
  description.abi_version = 0;
  EXPECT_NE(codeOf([&] { nnc::Model(description, {3}); }), NNC_OK);
}
