// LLVM's parsers would print their own words; these leave nnc's to who reads the command line.
#include "lib/Driver/OptionValues.h"

using namespace llvm;

namespace nnc {

/// Parsers have no other way to hand it on.
static std::string &getComplaint() {
  static std::string complaint;
  return complaint;
}

StringRef getValueComplaint() { return getComplaint(); }

bool rejectValue(const cl::Option &option, StringRef value, const Twine &reason) {
  if (getComplaint().empty())
    getComplaint() = (Twine(option.ArgStr.size() > 1 ? "--" : "-") + option.ArgStr + "=" + value + ": " + reason).str();
  return true;
}

bool SwitchParser::parse(cl::Option &option, StringRef, StringRef text, bool &isOn) {
  isOn = text.empty() || text.equals_insensitive("true") || text == "1";
  return !isOn && !text.equals_insensitive("false") && text != "0" && rejectValue(option, text, "it takes no value");
}

} // namespace nnc
