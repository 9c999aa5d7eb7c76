// That no operation of the NN and Text dialects is forgotten where run-time extents are checked.
#include "lib/Conversion/NNToLinalg/ExtentRequirements.h"

#include "dialects/NN/NN.h"
#include "dialects/Text/Text.h"
#include "mlir/IR/MLIRContext.h"
#include "gtest/gtest.h"

using namespace mlir;

TEST(ExtentRequirements, EveryOperationHasARule) {
  MLIRContext context;
  context.loadDialect<nnc::nn::NNDialect, nnc::text::TextDialect>();
  size_t count = 0;
  for (RegisteredOperationName name : context.getRegisteredOperations()) {
    if (name.getDialectNamespace() != nnc::nn::NNDialect::getDialectNamespace() &&
        name.getDialectNamespace() != nnc::text::TextDialect::getDialectNamespace())
      continue;
    EXPECT_TRUE(nnc::hasExtentRule(name)) << name.getStringRef().str() << ": ExtentRequirements.cpp says nothing of it";
    ++count;
  }
  EXPECT_GT(count, 100u);
}

TEST(ExtentRequirements, OtherDialectsHaveNone) {
  MLIRContext context;
  EXPECT_FALSE(nnc::hasExtentRule(OperationName("builtin.module", &context)));
}
