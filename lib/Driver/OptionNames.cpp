// The command line library knows only the nearest name, however far it is; and it takes none for an option's value.
#include "lib/Driver/OptionNames.h"

#include "lib/Driver/OptionValues.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/CommandLine.h"

#include <algorithm>

using namespace llvm;

namespace nnc {

namespace {

/// What other compilers and converters call an option.
struct ForeignName {
  StringLiteral name, advice;
};

} // namespace

static constexpr ForeignName foreignNames[] = {
    {"h", "--help lists the options"},
    {"?", "--help lists the options"},
    {"march", "--cpu=NAME chooses the CPU"},
    {"mcpu", "--cpu=NAME chooses the CPU"},
    {"mtune", "--cpu=NAME chooses the CPU"},
    {"arch", "--cpu=NAME chooses the CPU"},
    {"mattr", "--features=LIST adds and removes instructions"},
    {"triple", "--target=TRIPLE chooses the machine"},
    {"output", "-o FILE names the output"},
    {"out", "-o FILE names the output"},
    {"batch", "--shape batch=1 fixes an extent of that name"},
    {"batch-size", "--shape batch=1 fixes an extent of that name"},
    {"input-shape", "--shape x=1,3,224,224 fixes the shape of an input"},
    {"input_shape", "--shape x=1,3,224,224 fixes the shape of an input"},
    {"quantize", "nnc compiles quantised models and does not quantise others; --precision=bf16 rounds weights"},
    {"fp16", "nnc computes as the model says; --precision=bf16 rounds weights"},
    {"verbose", "-v prints the time of each stage"},
    {"shared", "--emit=shared, or -o model.so, writes a shared library"},
    {"j", "nnc compiles on one core; --threads is for the compiled model"},
};

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
      if (takesNext && i == words.size())
        return createStringError(spell(name) + " needs a value: " + spell(name) + (name.size() > 1 ? "=" : " ") +
                                 found->second->ValueStr);
    } else if (!hasJoinedValue(word)) {
      const auto *foreign = find_if(foreignNames, [&](const ForeignName &entry) {
        return name == entry.name || (entry.name == "j" && name.front() == 'j' && all_of(name.drop_front(), isDigit));
      });
      if (foreign != std::end(foreignNames))
        return createStringError("there is no option '" + spell(name) + "'; " + foreign->advice);
      std::string meant = findMeant(name);
      return createStringError("there is no option '" + spell(name) + "'; " +
                               (meant.empty() ? "--help lists them" : meant + " is the nearest, and --help lists them"));
    }
  }
  return Error::success();
}

Error readOptions(int argc, char **argv, StringRef overview) {
  ArrayRef<const char *> words(argv, argc);
  if (Error error = checkOptionNames(words.drop_front()))
    return error;
  unsigned number = 0;
  for (StringRef word : words)
    if (StringRef value = word.ltrim('-');
        word.starts_with("-") && value.consume_front("threads=") && to_integer(value, number) && number > 1)
      return createStringError("--threads takes no number: the program that calls the model chooses how many "
                               "(nnc_pool_create in nnc/Pool.h)");
  std::string text; // with it the process goes on after an error
  raw_string_ostream os(text);
  if (cl::ParseCommandLineOptions(argc, argv, overview, &os))
    return Error::success();
  StringRef reason = getValueComplaint().empty() ? StringRef(text).trim() : getValueComplaint();
  return createStringError(reason.empty() ? "the command line cannot be read" : reason);
}

} // namespace nnc
