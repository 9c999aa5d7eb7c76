// Collects and reports the reasons for which a model cannot be compiled.
#include "lib/Frontend/Import/Blockers.h"

#include "mlir/IR/Diagnostics.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace nnc::frontend {

void Blockers::add(StringRef name, const Twine &kind, const Twine &reason) {
  blockers.push_back({name.str(), kind.str(), reason.str()});
}

void Blockers::addToModel(const Twine &reason) {
  std::string text = reason.str();
  if (llvm::none_of(blockers, [&](const Blocker &known) { return known.kind.empty() && known.reason == text; }))
    blockers.push_back({"", "", std::move(text)});
}

void Blockers::report(Location loc) const {
  for (const Blocker &blocker : blockers) {
    if (blocker.kind.empty())
      emitError(loc) << blocker.reason;
    else
      emitError(loc) << noun << " '" << blocker.name << "' (" << blocker.kind << "): " << blocker.reason;
  }
}

} // namespace nnc::frontend
