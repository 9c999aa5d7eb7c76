// A value of a body while `width` iterations of one loop are computed at once: the
// same for all of them, an arithmetic sequence, or one per lane. The forms are
// converted into each other on demand.
#ifndef LIB_CONVERSION_LINALGTOVECTOR_BODYLANES_H
#define LIB_CONVERSION_LINALGTOVECTOR_BODYLANES_H

#include "mlir/IR/Builders.h"

namespace nnc {

class BodyLanes {
public:
  BodyLanes() = default;

  /// The same value in each lane.
  static BodyLanes uniform(mlir::Value value) { return {value, 0, {}}; }
  /// first, first + step, ...; where `condition` is given, only if it holds, else uniform.
  static BodyLanes sequence(mlir::Value first, int64_t step, mlir::Value condition = {}) {
    return {first, step, condition};
  }
  static BodyLanes fromVector(mlir::Value vector);
  static BodyLanes fromElements(llvm::ArrayRef<mlir::Value> elements);

  bool isUniform() const { return first && step == 0; }
  /// A uniform value is a sequence too.
  bool isSequence() const { return static_cast<bool>(first); }
  mlir::Value getFirst() const { return first; }
  int64_t getStep() const { return step; }
  mlir::Value getCondition() const { return condition; }

  /// One lane as a scalar.
  mlir::Value getLane(mlir::OpBuilder &builder, mlir::Location loc, int64_t lane) const;
  /// All lanes as a vector.
  mlir::Value getVector(mlir::OpBuilder &builder, mlir::Location loc, int64_t width);

private:
  BodyLanes(mlir::Value first, int64_t step, mlir::Value condition)
      : first(first), step(step), condition(condition) {}

  mlir::Value first;
  int64_t step = 0;
  mlir::Value condition;
  mlir::Value vector;
  llvm::SmallVector<mlir::Value> elements;
};

} // namespace nnc

#endif // LIB_CONVERSION_LINALGTOVECTOR_BODYLANES_H
