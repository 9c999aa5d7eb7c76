// The command line library knows only the nearest name, however far it is; and it takes none for an option's value.
#include "lib/Driver/OptionNames.h"

#include "llvm/Support/CommandLine.h"

#include <algorithm>

using namespace llvm;

namespace nnc {

/// With the hyphens that it is given with.
static std::string spell(StringRef name) { return (name.size() > 1 ? "--" : "-") + name.str(); }

/// The option that is meant, with its value where that was joined by a hyphen (--emit-onnx); empty where none is near.
static std::string findMeant(StringRef name) {
  const unsigned limit = std::min<size_t>(2, name.size() / 3);
  std::pair<unsigned, StringRef> nearest{limit + 1, ""};
  for (auto &[known, option] : cl::getRegisteredOptions()) {
    if (option->getOptionHiddenFlag() != cl::NotHidden || known.size() < 2)
      continue;
    if (StringRef value = name; value.consume_front(known) && value.consume_front("-") && !value.empty() &&
                                option->getValueExpectedFlag() != cl::ValueDisallowed)
      return spell(known) + "=" + value.str();
    nearest = std::min(nearest, {name.edit_distance(known, /*AllowReplacements=*/true, limit), known});
  }
  return nearest.first > limit ? "" : spell(nearest.second);
}

/// Whether the word is an option of one letter with its value behind it: -O2.
static bool hasJoinedValue(StringRef word) {
  return any_of(cl::getRegisteredOptions(), [&](auto &entry) {
    return entry.second->getFormattingFlag() == cl::Prefix && word.starts_with(entry.first);
  });
}

Error checkOptionNames(ArrayRef<const char *> words) {
  auto &known = cl::getRegisteredOptions();
  for (size_t i = 0; i < words.size(); ++i) {
    StringRef word(words[i]);
    if (word == "--")
      break;
    if (!word.consume_front("-") || word.empty())
      continue;
    word.consume_front("-");
    StringRef name = word.split('=').first;
    auto found = known.find(name);
    if (found != known.end()) {
      bool takesNext = !word.contains('=') && found->second->getValueExpectedFlag() == cl::ValueRequired;
      i += takesNext;
    } else if (!hasJoinedValue(word)) {
      std::string meant = findMeant(name);
      return createStringError("there is no option '" + spell(name) + "'; " +
                               (meant.empty() ? "--help lists them" : meant + " is the nearest, and --help lists them"));
    }
  }
  return Error::success();
}

} // namespace nnc
