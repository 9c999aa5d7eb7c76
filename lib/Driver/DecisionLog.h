// Listens to what passes say of their decisions.
#ifndef LIB_DRIVER_DECISIONLOG_H
#define LIB_DRIVER_DECISIONLOG_H

#include "lib/Analysis/NetworkFacts.h"

#include "mlir/IR/MLIRContext.h"

#include <memory>

namespace nnc {

/// Collects the remarks of passes, each once, from `start` on.
class DecisionLog {
public:
  DecisionLog();
  ~DecisionLog();
  /// Lets `context` make remarks. The log must outlive it.
  llvm::LogicalResult start(mlir::MLIRContext &context);
  /// While paused, remarks are forgotten: those on code that runs only while compiling.
  void setPaused(bool paused);
  std::vector<Decision> takeDecisions();

private:
  struct State;
  std::unique_ptr<State> state;
};

} // namespace nnc

#endif // LIB_DRIVER_DECISIONLOG_H
