// A converted model that is right, and ones into which an error was put.
#include "lib/Driver/VerifyExport.h"

#include "lib/Driver/Compiler.h"
#include "lib/Driver/Registration.h"

#include "mlir/IR/OwningOpRef.h"
#include "mlir/Parser/Parser.h"

#include "gtest/gtest.h"

#include <cstring>

using namespace mlir;

static constexpr const char *text = R"(
module attributes {nn.model = "m"} {
  func.func @main(%x: tensor<2x4xf32> {nn.name = "x"}) -> (tensor<2x4xf32> {nn.name = "y"}, tensor<2xi64> {nn.name = "k"}) {
    %w = arith.constant dense<3.0> : tensor<4xf32> loc("weights")
    %0 = nn.relu %x : (tensor<2x4xf32>) -> tensor<2x4xf32> loc("first")
    %1 = nn.add %0, %w : (tensor<2x4xf32>, tensor<4xf32>) -> tensor<2x4xf32> loc("second")
    %2 = nn.sqrt %1 : (tensor<2x4xf32>) -> tensor<2x4xf32> loc("third")
    %3 = nn.arg_reduce %2 {axis = 1 : i64, keepdims = false} : (tensor<2x4xf32>) -> tensor<2xi64> loc("best")
    return %2, %3 : tensor<2x4xf32>, tensor<2xi64>
  }
})";

namespace {

class VerifyExport : public testing::Test {
protected:
  VerifyExport() : context(makeRegistry()) {
    context.loadAllAvailableDialects();
    module = parseSourceString<ModuleOp>(text, &context);
    if (module)
      bytes = std::move(nnc::onnx_export::exportModel(*module, {}, summary)->bytes);
  }

  /// What verifyExport says, and whether it is an error.
  std::pair<std::string, bool> verify(ModuleOp integers = {}) {
    std::string said;
    llvm::raw_string_ostream os(said);
    llvm::Error error = nnc::verifyExport(*module, integers, {bytes, "", ""}, summary,
                                          {nnc::defaultVerifyTolerance, nnc::compileQuietly, {}, 65536, 64}, os);
    bool isError = static_cast<bool>(error);
    return {said + toString(std::move(error)), isError};
  }

  /// Replaces a float in the file.
  void replace(float before, float after) {
    std::string from(reinterpret_cast<const char *>(&before), sizeof before);
    size_t at = bytes.find(from + from);
    ASSERT_NE(at, std::string::npos);
    memcpy(bytes.data() + at, &after, sizeof after);
  }

  static DialectRegistry makeRegistry() {
    DialectRegistry registry;
    nnc::registerDialects(registry);
    return registry;
  }

  MLIRContext context;
  OwningOpRef<ModuleOp> module;
  nnc::onnx_export::ExportSummary summary;
  std::string bytes;
};

} // namespace

TEST_F(VerifyExport, TakesWhatIsRight) {
  ASSERT_TRUE(module);
  auto [said, isError] = verify();
  EXPECT_FALSE(isError) << said;
  EXPECT_NE(said.find("output 'y' differs by 0"), std::string::npos) << said;
  EXPECT_NE(said.find("output 'k' differs by 0"), std::string::npos) << said;
}

TEST_F(VerifyExport, NamesTheFirstTensorThatDiffers) {
  ASSERT_TRUE(module);
  replace(3, 5);
  auto [said, isError] = verify();
  EXPECT_TRUE(isError);
  EXPECT_NE(said.find("not verified on random inputs, seed 0: output 'y' differs by"), std::string::npos) << said;
  EXPECT_NE(said.find("on random inputs, seed 0: output 'k' differs by"), std::string::npos) << said;
  EXPECT_NE(said.find("--verify: output 'y' differs by"), std::string::npos) << said;
  EXPECT_NE(said.find("the first tensor that differs is 'second', of nn.add"), std::string::npos) << said;
}

TEST_F(VerifyExport, TakesASmallError) {
  ASSERT_TRUE(module);
  replace(3, 3.0001f);
  auto [said, isError] = verify();
  EXPECT_FALSE(isError) << said;
  EXPECT_EQ(said.find("output 'y' differs by 0,"), std::string::npos) << said;
}

TEST_F(VerifyExport, TellsTheDistanceFromAnotherForm) {
  ASSERT_TRUE(module);
  auto [said, isError] = verify(*module);
  EXPECT_FALSE(isError) << said;
  EXPECT_NE(said.find("from the format's integer arithmetic output 'y' differs by 0"), std::string::npos) << said;
}

TEST_F(VerifyExport, SaysWhatCannotBeRun) {
  ASSERT_TRUE(module);
  bytes = "no model";
  auto [said, isError] = verify();
  EXPECT_TRUE(isError);
  EXPECT_NE(said.find("--verify: of what was exported: the model does not compile as a library: not an ONNX model"),
            std::string::npos)
      << said;
}
