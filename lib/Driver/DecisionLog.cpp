// A streamer of MLIR's remark engine.
#include "lib/Driver/DecisionLog.h"

#include "lib/Analysis/LayerName.h"
#include "lib/Support/Decision.h"

#include <set>

using namespace mlir;

namespace nnc {

struct DecisionLog::State {
  bool isPaused = false;
  std::vector<Decision> decisions;
  std::set<std::string> known; ///< loops are expanded piece by piece, and each piece says the same

  void add(const remark::detail::Remark &said) {
    Decision decision;
    decision.about = said.getCategoryName().str();
    decision.layer = getLayerName(said.getLocation());
    decision.layers = getLayerNumbers(said.getLocation());
    for (const remark::detail::Remark::Arg &part : said.getArgs())
      decision.text += part.val;
    llvm::remarks::Type type = said.getRemarkType();
    decision.outcome = type == llvm::remarks::Type::Passed   ? "done"
                       : type == llvm::remarks::Type::Missed ? "not done"
                                                             : "so";
    std::string key = decision.about + '\n' + decision.layer + '\n' + decision.text;
    for (int64_t layer : decision.layers)
      key += '\n' + std::to_string(layer);
    if (known.insert(std::move(key)).second)
      decisions.push_back(std::move(decision));
  }
};

DecisionLog::DecisionLog() : state(std::make_unique<State>()) {}
DecisionLog::~DecisionLog() = default;

void DecisionLog::setPaused(bool paused) { state->isPaused = paused; }

std::vector<Decision> DecisionLog::takeDecisions() { return std::move(state->decisions); }

LogicalResult DecisionLog::start(MLIRContext &context) {
  struct Streamer : remark::detail::MLIRRemarkStreamerBase {
    explicit Streamer(State &state) : state(state) {}
    void streamOptimizationRemark(const remark::detail::Remark &said) override {
      if (!state.isPaused)
        state.add(said);
    }
    State &state;
  };
  remark::RemarkCategories categories;
  categories.passed = "algorithm|fusion|layout|vectors|threads";
  categories.missed = categories.analysis = categories.passed;
  return remark::enableOptimizationRemarks(context, std::make_unique<Streamer>(*state),
                                           std::make_unique<remark::RemarkEmittingPolicyAll>(), categories);
}

} // namespace nnc
