// Values of options: numbers and switches, and what is said of those that are none.
#ifndef LIB_DRIVER_OPTIONVALUES_H
#define LIB_DRIVER_OPTIONVALUES_H

#include "llvm/ADT/StringRef.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/CommandLine.h"

#include <limits>
#include <type_traits>

namespace nnc {

/// Keeps the first complaint about a value, for readOptions; true, as parsers return it of errors.
bool rejectValue(const llvm::cl::Option &option, llvm::StringRef value, const llvm::Twine &reason);

/// What has been kept, empty where nothing was.
llvm::StringRef getValueComplaint();

template <typename T>
class NumberParser : public llvm::cl::parser<T> {
public:
  using llvm::cl::parser<T>::parser;
  bool parse(llvm::cl::Option &option, llvm::StringRef, llvm::StringRef text, T &number) {
    if constexpr (std::is_floating_point_v<T>)
      return text.getAsDouble(number) && rejectValue(option, text, "expected a number");
    else if constexpr (std::is_signed_v<T>)
      return text.getAsInteger(0, number) && rejectValue(option, text, "expected a whole number");
    else
      return text.getAsInteger(0, number) &&
             rejectValue(option, text, "expected a whole number from 0 to " + llvm::Twine(std::numeric_limits<T>::max()));
  }
};

/// An option whose value is a number.
template <typename T>
using NumberOption = llvm::cl::opt<T, /*ExternalStorage=*/false, NumberParser<T>>;

/// As LLVM's, `true`, `false`, 1 and 0 may follow.
class SwitchParser : public llvm::cl::parser<bool> {
public:
  using llvm::cl::parser<bool>::parser;
  bool parse(llvm::cl::Option &option, llvm::StringRef, llvm::StringRef text, bool &isOn);
};

/// An option that is there or not.
using Switch = llvm::cl::opt<bool, /*ExternalStorage=*/false, SwitchParser>;

} // namespace nnc

#endif // LIB_DRIVER_OPTIONVALUES_H
