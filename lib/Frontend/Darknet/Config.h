// A .cfg file: sections of keys and values.
#ifndef LIB_FRONTEND_DARKNET_CONFIG_H
#define LIB_FRONTEND_DARKNET_CONFIG_H

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <string>
#include <vector>

namespace nnc::darknet {

/// The two forks, which number and compute differently without a mark in their files.
enum class Dialect { Pjreddie, AlexeyAB };

struct Section {
  std::string type; ///< without brackets, aliases resolved
  unsigned line = 0;
  /// All blanks are stripped; of a key given twice the first value counts.
  llvm::StringMap<std::string> options;

  bool has(llvm::StringRef key) const { return options.contains(key); }
  llvm::StringRef text(llvm::StringRef key, llvm::StringRef otherwise = "") const;
  /// Numbers are read as C reads them: what is no number is 0.
  int64_t integer(llvm::StringRef key, int64_t otherwise) const;
  double real(llvm::StringRef key, double otherwise) const;
  /// A list with commas.
  llvm::SmallVector<int64_t> integers(llvm::StringRef key) const;
};

struct Config {
  Section net;
  std::vector<Section> layers;
  /// Keys that a section has twice, a message for each.
  std::vector<std::string> repeated;
};

/// Whether a text begins with the section of a network.
bool looksLikeConfig(llvm::StringRef content);

llvm::Expected<Config> parseConfig(llvm::StringRef content);

/// The fork that a network was written for.
struct DetectedDialect {
  Dialect dialect;
  std::string reason;  ///< what told the forks apart
  std::string counter; ///< what speaks for the other fork; empty where nothing does
};

/// From sections and keys that only one fork has, else from the patch level in the weights' header (-1: no weights).
/// Dialect.cpp
DetectedDialect detectDialect(const Config &config, int64_t patchLevel);

/// Which forks read a key.
enum class KeyOwner { None, Both, AlexeyAB, Pjreddie };

/// Of a key in a section of this type. Keys.cpp
KeyOwner findOwner(llvm::StringRef type, llvm::StringRef key);

/// Keys that this fork does not read, a message for each. Keys.cpp
std::vector<std::string> findIgnoredKeys(const Config &config, Dialect dialect);

} // namespace nnc::darknet

#endif // LIB_FRONTEND_DARKNET_CONFIG_H
