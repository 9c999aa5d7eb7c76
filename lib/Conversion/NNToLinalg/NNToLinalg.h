// One populate function per family of NN operations; the names are those of the
// families in dialects/NN.
#ifndef LIB_CONVERSION_NNTOLINALG_NNTOLINALG_H
#define LIB_CONVERSION_NNTOLINALG_NNTOLINALG_H

#include "mlir/Transforms/DialectConversion.h"

namespace nnc {

/// Storage types: i1 -> i8 (0 or 1), uiN -> iN; all else unchanged.
class StorageTypeConverter : public mlir::TypeConverter {
public:
  StorageTypeConverter();
};

void populateBlockMovementToLinalg(const StorageTypeConverter &types, mlir::RewritePatternSet &patterns);
void populateContractionToLinalg(const StorageTypeConverter &types, mlir::RewritePatternSet &patterns);
void populateControlFlowToLinalg(const StorageTypeConverter &types, mlir::RewritePatternSet &patterns);
void populateConvolutionToLinalg(const StorageTypeConverter &types, mlir::RewritePatternSet &patterns);
void populateTransposedConvolutionToLinalg(const StorageTypeConverter &types, mlir::RewritePatternSet &patterns);
void populateDecisionTreeToLinalg(const StorageTypeConverter &types, mlir::RewritePatternSet &patterns);
void populateElementwiseToLinalg(const StorageTypeConverter &types, mlir::RewritePatternSet &patterns);
void populateIndexingToLinalg(const StorageTypeConverter &types, mlir::RewritePatternSet &patterns);
void populateMovementToLinalg(const StorageTypeConverter &types, mlir::RewritePatternSet &patterns);
void populateNormalizationToLinalg(const StorageTypeConverter &types, mlir::RewritePatternSet &patterns);
void populatePaddingToLinalg(const StorageTypeConverter &types, mlir::RewritePatternSet &patterns);
void populatePoolingToLinalg(const StorageTypeConverter &types, mlir::RewritePatternSet &patterns);
void populateRecurrentToLinalg(const StorageTypeConverter &types, mlir::RewritePatternSet &patterns);
void populateReductionToLinalg(const StorageTypeConverter &types, mlir::RewritePatternSet &patterns);
void populateTopKToLinalg(const StorageTypeConverter &types, mlir::RewritePatternSet &patterns);
void populateResamplingToLinalg(const StorageTypeConverter &types, mlir::RewritePatternSet &patterns);
void populateSelectionToLinalg(const StorageTypeConverter &types, mlir::RewritePatternSet &patterns);
void populateSuppressionToLinalg(const StorageTypeConverter &types, mlir::RewritePatternSet &patterns);

} // namespace nnc

#endif // LIB_CONVERSION_NNTOLINALG_NNTOLINALG_H
