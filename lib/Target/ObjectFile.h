// Reads a generated object back: sizes of its sections, its undefined symbols, and
// the stack that each function needs.
#ifndef LIB_TARGET_OBJECTFILE_H
#define LIB_TARGET_OBJECTFILE_H

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/Error.h"
#include "llvm/TargetParser/Triple.h"

#include <string>
#include <vector>

namespace nnc {

/// What an object contains.
struct ObjectFacts {
  int64_t code = 0;                   ///< bytes of machine code
  int64_t data = 0;                   ///< bytes of writable data that is not constant after relocation, and of .bss
  std::vector<std::string> undefined; ///< sorted
  llvm::StringMap<int64_t> stack;     ///< bytes per function; empty where the format has no stack sizes
};

llvm::Expected<ObjectFacts> inspectObject(llvm::ArrayRef<char> object);

/// Who defines a symbol that an object leaves undefined.
enum class UndefinedKind {
  Linker,  ///< the linker, for its own purposes
  Memory,  ///< memcpy, memmove, memset; any C library
  Runtime, ///< the target's compiler runtime
  Foreign, ///< somebody else: not allowed
};

UndefinedKind classifyUndefined(llvm::StringRef symbol, const llvm::Triple &triple);

/// The deepest stack over the call tree of `module` from its external functions, in bytes; -1 where a function's own
/// need is not known or functions call each other in a circle.
int64_t getWorstStack(const llvm::Module &module, const llvm::StringMap<int64_t> &stack);

/// The object without the section that only told the stack sizes.
llvm::Expected<llvm::SmallVector<char, 0>> stripStackSizes(llvm::ArrayRef<char> object);

} // namespace nnc

#endif // LIB_TARGET_OBJECTFILE_H
