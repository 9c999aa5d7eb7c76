// Every reason why a model cannot be compiled, collected before the first is told.
#ifndef LIB_FRONTEND_IMPORT_BLOCKERS_H
#define LIB_FRONTEND_IMPORT_BLOCKERS_H

#include "mlir/IR/Location.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/ADT/Twine.h"

#include <string>

namespace nnc::frontend {

class Blockers {
public:
  /// `noun` is the format's word for an operation: "node" or "layer".
  explicit Blockers(llvm::StringRef noun) : noun(noun) {}

  /// An operation that cannot be imported; `kind` is its operator or type, with version or parameters.
  void add(llvm::StringRef name, const llvm::Twine &kind, const llvm::Twine &reason);
  /// A reason that belongs to no single operation; told once however often it is added.
  void addToModel(const llvm::Twine &reason);
  bool empty() const { return blockers.empty(); }
  /// One error for each, in the order found.
  void report(mlir::Location loc) const;

private:
  struct Blocker {
    std::string name, kind, reason;
  };
  llvm::StringRef noun;
  llvm::SmallVector<Blocker> blockers;
};

} // namespace nnc::frontend

#endif // LIB_FRONTEND_IMPORT_BLOCKERS_H
