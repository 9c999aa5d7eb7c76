// JSON of a model, and typed access to the parameters of a layer.
#ifndef LIB_FRONTEND_KERAS_PARAMETERS_H
#define LIB_FRONTEND_KERAS_PARAMETERS_H

#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/JSON.h"

#include <optional>

namespace nnc::keras {

/// Parses what Python's json module writes; refuses nesting that no model needs.
llvm::Expected<llvm::json::Value> parseJson(llvm::StringRef text);

/// An object of the form {"class_name": ..., "config": {...}}; `config` is null where there is none.
struct TypedObject {
  llvm::StringRef className;
  const llvm::json::Object *config = nullptr;
};
std::optional<TypedObject> asTypedObject(const llvm::json::Value *value);

/// The config of one layer. A parameter that is null counts as left out.
class Parameters {
public:
  explicit Parameters(const llvm::json::Object &object) : object(&object) {}

  const llvm::json::Object &get() const { return *object; }
  /// Null where the parameter is left out or null.
  const llvm::json::Value *find(llvm::StringRef key) const;
  bool has(llvm::StringRef key) const { return find(key) != nullptr; }
  std::optional<int64_t> getInt(llvm::StringRef key) const;
  int64_t getInt(llvm::StringRef key, int64_t otherwise) const { return getInt(key).value_or(otherwise); }
  bool getBool(llvm::StringRef key, bool otherwise) const;
  double getNumber(llvm::StringRef key, double otherwise) const;
  llvm::StringRef getString(llvm::StringRef key, llvm::StringRef otherwise = "") const;
  /// A list of integers; nullopt where the parameter is something else. One number is a list of `count` equal ones.
  std::optional<llvm::SmallVector<int64_t>> getInts(llvm::StringRef key, size_t count = 1) const;

private:
  const llvm::json::Object *object;
};

/// A list of integers; nullopt where an entry is none. A null entry is `null`, where that is given.
std::optional<llvm::SmallVector<int64_t>> asInts(const llvm::json::Value &value, std::optional<int64_t> null = {});

} // namespace nnc::keras

#endif // LIB_FRONTEND_KERAS_PARAMETERS_H
