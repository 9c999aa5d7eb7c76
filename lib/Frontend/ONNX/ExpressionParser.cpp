// RE2's syntax but for Unicode's classes (\p, and letters of other scripts that are
// folded). Lazy and possessive choices make no difference to a match of the whole.
#include "lib/Frontend/ONNX/ExpressionParser.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/Twine.h"

namespace nnc::onnx {

using llvm::StringRef;
using llvm::Twine;

/// What is still believed; RE2 limits repetitions to 1000 as well.
static constexpr unsigned maxDepth = 200;
static constexpr int64_t maxRepetitions = 1000;

//===--- Sets ---===//

/// Sorted, without overlaps.
static CodePoints normalize(CodePoints set) {
  llvm::sort(set);
  CodePoints merged;
  for (auto [low, high] : set) {
    if (!merged.empty() && low <= merged.back().second + 1)
      merged.back().second = std::max(merged.back().second, high);
    else
      merged.push_back({low, high});
  }
  return merged;
}

static CodePoints negate(CodePoints set) {
  CodePoints others;
  uint32_t next = 0;
  for (auto [low, high] : normalize(std::move(set))) {
    if (low > next)
      others.push_back({next, low - 1});
    next = high + 1;
  }
  if (next <= lastCodePoint)
    others.push_back({next, lastCodePoint});
  return others;
}

/// With the other case of ASCII's letters, and what Unicode folds with k and s.
static CodePoints foldCase(const CodePoints &set) {
  CodePoints folded = set;
  auto contains = [&](uint32_t code) {
    return llvm::any_of(set, [&](auto range) { return range.first <= code && code <= range.second; });
  };
  for (uint32_t upper = 'A'; upper <= 'Z'; ++upper) {
    uint32_t other = upper == 'K' ? 0x212A : upper == 'S' ? 0x17F : upper;
    if (!contains(upper) && !contains(upper | 32) && !contains(other))
      continue;
    for (uint32_t code : {upper, upper | 32, other})
      folded.push_back({code, code});
  }
  return folded;
}

static const CodePoints digits{{'0', '9'}}, words{{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}},
    spaces{{'\t', '\n'}, {'\f', '\r'}, {' ', ' '}};

/// What \d, \w and \s mean; null of other letters.
static const CodePoints *getPerlClass(char letter) {
  return letter == 'd' ? &digits : letter == 'w' ? &words : letter == 's' ? &spaces : nullptr;
}

//===--- Nodes ---===//

bool ExpressionParser::fail(const Twine &why) {
  if (reason.empty())
    reason = why.str();
  return false;
}

int32_t ExpressionParser::addNode(Node node) {
  nodes.push_back(std::move(node));
  return static_cast<int32_t>(nodes.size()) - 1;
}

/// The code points that `members` mean, with those of the other case where case does not count, or all others.
CodePoints ExpressionParser::expand(CodePoints members, bool isOpposite) const {
  if (flags.foldCase)
    members = foldCase(members);
  return isOpposite ? negate(std::move(members)) : members;
}

int32_t ExpressionParser::addSet(CodePoints set) {
  Node node;
  node.kind = Node::Set;
  node.set = normalize(std::move(set));
  return addNode(std::move(node));
}

//===--- Parsing ---===//

llvm::Expected<int32_t> ExpressionParser::parse() {
  int32_t root = -1;
  if (parseAlternatives(root, 0) && !rest.empty())
    fail("a parenthesis is closed that is not open");
  if (!reason.empty())
    return llvm::createStringError(reason);
  add({ExpressionStep::Match});
  int32_t start = emit(root, 0);
  if (!reason.empty())
    return llvm::createStringError(reason);
  return start;
}

bool ExpressionParser::parseAlternatives(int32_t &node, unsigned depth) {
  if (depth > maxDepth)
    return fail("groups are nested too deeply");
  Node alternatives;
  alternatives.kind = Node::Alternatives;
  do {
    int32_t child;
    if (!parseSequence(child, depth))
      return false;
    alternatives.children.push_back(child);
  } while (rest.consume_front("|"));
  node = alternatives.children.size() == 1 ? alternatives.children.front() : addNode(std::move(alternatives));
  return true;
}

bool ExpressionParser::parseSequence(int32_t &node, unsigned depth) {
  Node sequence;
  sequence.kind = Node::Sequence;
  while (!rest.empty() && rest.front() != '|' && rest.front() != ')') {
    int32_t child = -1;
    if (!parseAtom(child, depth))
      return false;
    if (child < 0)
      continue; // flags
    if (!parseRepetition(child))
      return false;
    sequence.children.push_back(child);
  }
  node = addNode(std::move(sequence));
  return true;
}

static std::optional<uint32_t> decode(StringRef &text) {
  auto first = static_cast<uint8_t>(text.front());
  unsigned length = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  uint32_t code = length == 1 ? first : first & (0x7Fu >> length);
  if (text.size() < length)
    return std::nullopt;
  for (unsigned i = 1; i < length; ++i)
    code = code << 6 | (static_cast<uint8_t>(text[i]) & 0x3F);
  text = text.drop_front(length);
  return code;
}

bool ExpressionParser::parseCodePoint(uint32_t &code) {
  auto decoded = rest.empty() ? std::nullopt : decode(rest);
  if (!decoded)
    return fail("it ends too early");
  code = *decoded;
  return code < 0x80 || !flags.foldCase || fail("(?i) with characters outside ASCII is not supported");
}

bool ExpressionParser::parseAtom(int32_t &node, unsigned depth) {
  auto test = [&](ExpressionStep::Kind kind) {
    Node tested;
    tested.kind = Node::Test;
    tested.test = kind;
    node = addNode(std::move(tested));
    return true;
  };
  switch (rest.front()) {
  case '(':
    return parseGroup(node, depth);
  case '[': {
    CodePoints set;
    if (!parseClass(set))
      return false;
    node = addSet(set);
    return true;
  }
  case '.':
    rest = rest.drop_front();
    node = addSet(flags.dotMatchesLineFeed ? CodePoints{{0, lastCodePoint}} : negate({{'\n', '\n'}}));
    return true;
  case '^':
    rest = rest.drop_front();
    return test(flags.multiLine ? ExpressionStep::LineBegin : ExpressionStep::TextBegin);
  case '$':
    rest = rest.drop_front();
    return test(flags.multiLine ? ExpressionStep::LineEnd : ExpressionStep::TextEnd);
  case '*':
  case '+':
  case '?':
    return fail("there is nothing to repeat");
  case '\\':
    rest = rest.drop_front();
    if (rest.consume_front("A"))
      return test(ExpressionStep::TextBegin);
    if (rest.consume_front("z"))
      return test(ExpressionStep::TextEnd);
    if (rest.consume_front("b"))
      return test(ExpressionStep::Boundary);
    if (rest.consume_front("B"))
      return test(ExpressionStep::NoBoundary);
    return rest.consume_front("Q") ? parseQuoted(node) : parseEscape(node);
  default:
    uint32_t code;
    if (!parseCodePoint(code))
      return false;
    node = addSet(expand({{code, code}}, /*isOpposite=*/false));
    return true;
  }
}

/// \Q...\E: characters as they are.
bool ExpressionParser::parseQuoted(int32_t &node) {
  Node sequence;
  sequence.kind = Node::Sequence;
  while (!rest.empty() && !rest.consume_front("\\E")) {
    uint32_t code;
    if (!parseCodePoint(code))
      return false;
    sequence.children.push_back(addSet(expand({{code, code}}, /*isOpposite=*/false)));
  }
  node = addNode(std::move(sequence));
  return true;
}

/// (?flags) for what follows in the group, or (?flags:...).
bool ExpressionParser::parseFlags(bool &isGroup) {
  bool value = true;
  for (;;) {
    if (rest.empty())
      return fail("a parenthesis is not closed");
    char c = rest.front();
    rest = rest.drop_front();
    switch (c) {
    case 'i':
      flags.foldCase = value;
      break;
    case 'm':
      flags.multiLine = value;
      break;
    case 's':
      flags.dotMatchesLineFeed = value;
      break;
    case 'U':
      break; // lazy or not
    case '-':
      if (!value)
        return fail("(?" + Twine(c) + " is not supported");
      value = false;
      break;
    case ':':
    case ')':
      isGroup = c == ':';
      return true;
    default:
      return fail("(?" + Twine(c) + " is not supported");
    }
  }
}

bool ExpressionParser::parseGroup(int32_t &node, unsigned depth) {
  rest = rest.drop_front();
  Flags outer = flags;
  if (rest.consume_front("?")) {
    if (rest.consume_front("P<") || (rest.size() > 1 && rest[0] == '<' && rest[1] != '=' && rest[1] != '!')) {
      rest.consume_front("<");
      size_t end = rest.find('>');
      bool isName = end != StringRef::npos && end > 0 &&
                    llvm::all_of(rest.take_front(end), [](char c) { return llvm::isAlnum(c) || c == '_'; });
      if (!isName)
        return fail("the name of a group is not valid");
      rest = rest.drop_front(end + 1);
    } else {
      bool isGroup = false;
      if (!parseFlags(isGroup))
        return false;
      if (!isGroup)
        return true; // the group around ends them
    }
  }
  if (!parseAlternatives(node, depth + 1))
    return false;
  flags = outer;
  return rest.consume_front(")") || fail("a parenthesis is not closed");
}

bool ExpressionParser::parseBounds(int64_t &least, int64_t &most, bool &isRepetition) {
  StringRef at = rest.drop_front();
  isRepetition = false;
  if (at.consumeInteger(10, least) || least < 0)
    return true; // a brace like any other character
  most = least;
  if (at.consume_front(",")) {
    most = -1;
    if (!at.starts_with("}") && (at.consumeInteger(10, most) || most < 0))
      return true;
  }
  if (!at.consume_front("}"))
    return true;
  isRepetition = true;
  rest = at;
  if (least > maxRepetitions || most > maxRepetitions || (most >= 0 && most < least))
    return fail("the bounds of a repetition are out of range");
  return true;
}

bool ExpressionParser::parseRepetition(int32_t &node) {
  for (bool isFirst = true;; isFirst = false) {
    Node repetition;
    repetition.kind = Node::Repetition;
    repetition.children = {node};
    bool isRepetition = true;
    if (rest.consume_front("*")) {
    } else if (rest.consume_front("+")) {
      repetition.least = 1;
    } else if (rest.consume_front("?")) {
      repetition.most = 1;
    } else if (!rest.starts_with("{")) {
      return true;
    } else if (!parseBounds(repetition.least, repetition.most, isRepetition)) {
      return false;
    }
    if (!isRepetition)
      return true;
    if (!isFirst)
      return fail("a repetition is repeated");
    rest.consume_front("?"); // the whole has to match in any case
    node = addNode(std::move(repetition));
  }
}

bool ExpressionParser::parseEscapedCodePoint(uint32_t &code) {
  if (rest.empty())
    return fail("it ends with a backslash");
  char c = rest.front();
  static const std::pair<char, uint32_t> letters[] = {{'a', 7},    {'f', '\f'}, {'t', '\t'},
                                                      {'n', '\n'}, {'r', '\r'}, {'v', '\v'}};
  for (auto [letter, value] : letters)
    if (c == letter) {
      code = value;
      rest = rest.drop_front();
      return true;
    }
  if (c == 'x') {
    rest = rest.drop_front();
    StringRef hex = rest.take_front(2);
    if (rest.consume_front("{")) {
      hex = rest.take_until([](char d) { return d == '}'; });
      rest = rest.drop_front(std::min(hex.size() + 1, rest.size()));
    } else {
      rest = rest.drop_front(hex.size());
    }
    bool isValid = !hex.empty() && llvm::all_of(hex, llvm::isHexDigit) && hex.size() <= 6 && llvm::to_integer(hex, code, 16);
    return (isValid && code <= lastCodePoint && (code < 0x80 || !flags.foldCase)) || fail("\\x is not valid");
  }
  if (llvm::isAlnum(c) || static_cast<unsigned char>(c) >= 0x80)
    return fail("\\" + Twine(c) + " is not supported");
  code = static_cast<uint8_t>(c);
  rest = rest.drop_front();
  return true;
}

/// One of \d, \w, \s and their opposites \D, \W, \S, behind the backslash.
bool ExpressionParser::parsePerlClass(CodePoints &set) {
  const CodePoints *members = rest.empty() ? nullptr : getPerlClass(llvm::toLower(rest.front()));
  if (!members)
    return false;
  CodePoints expanded = expand(*members, llvm::isUpper(rest.front()));
  set.insert(set.end(), expanded.begin(), expanded.end());
  rest = rest.drop_front();
  return true;
}

bool ExpressionParser::parseEscape(int32_t &node) {
  CodePoints set;
  uint32_t code;
  if (!parsePerlClass(set)) {
    if (!parseEscapedCodePoint(code))
      return false;
    set = expand({{code, code}}, /*isOpposite=*/false);
  }
  node = addSet(std::move(set));
  return true;
}

//===--- Classes in brackets ---===//

bool ExpressionParser::parseNamedClass(CodePoints &set, bool &isNamed) {
  static const std::pair<StringRef, CodePoints> names[] = {
      {"alnum", {{'0', '9'}, {'A', 'Z'}, {'a', 'z'}}},
      {"alpha", {{'A', 'Z'}, {'a', 'z'}}},
      {"ascii", {{0, 127}}},
      {"blank", {{'\t', '\t'}, {' ', ' '}}},
      {"cntrl", {{0, 31}, {127, 127}}},
      {"digit", digits},
      {"graph", {{'!', '~'}}},
      {"lower", {{'a', 'z'}}},
      {"print", {{' ', '~'}}},
      {"punct", {{'!', '/'}, {':', '@'}, {'[', '`'}, {'{', '~'}}},
      {"space", {{'\t', '\r'}, {' ', ' '}}},
      {"upper", {{'A', 'Z'}}},
      {"word", words},
      {"xdigit", {{'0', '9'}, {'A', 'F'}, {'a', 'f'}}}};
  isNamed = false;
  size_t end = rest.starts_with("[:") ? rest.find(":]") : StringRef::npos;
  if (end == StringRef::npos)
    return true;
  StringRef name = rest.slice(2, end);
  bool isOpposite = name.consume_front("^");
  for (const auto &[known, members] : names)
    if (known == name) {
      CodePoints named = expand(members, isOpposite);
      set.insert(set.end(), named.begin(), named.end());
      rest = rest.drop_front(end + 2);
      isNamed = true;
      return true;
    }
  return fail("[:" + name + ":] is not known");
}

/// One character, or a set, which cannot begin a range.
bool ExpressionParser::parseClassElement(uint32_t &code, CodePoints &set, bool &isSet) {
  if (!parseNamedClass(set, isSet) || isSet)
    return reason.empty();
  if (!rest.consume_front("\\"))
    return parseCodePoint(code);
  isSet = parsePerlClass(set);
  return isSet || parseEscapedCodePoint(code);
}

bool ExpressionParser::parseClass(CodePoints &set) {
  rest = rest.drop_front();
  bool isOpposite = rest.consume_front("^");
  CodePoints ranges;
  for (bool isFirst = true; isFirst || !rest.starts_with("]"); isFirst = false) {
    if (rest.empty())
      return fail("a bracket is not closed");
    bool isSet = false;
    uint32_t low, high;
    if (!parseClassElement(low, set, isSet))
      return false;
    if (isSet)
      continue;
    high = low;
    if (rest.size() >= 2 && rest[0] == '-' && rest[1] != ']') {
      rest = rest.drop_front();
      if (!parseClassElement(high, set, isSet))
        return false;
      if (isSet || high < low)
        return fail("a range of characters is not valid");
    }
    ranges.push_back({low, high});
  }
  rest = rest.drop_front();
  ranges = expand(std::move(ranges), /*isOpposite=*/false);
  set.insert(set.end(), ranges.begin(), ranges.end());
  if (isOpposite)
    set = negate(std::move(set));
  return true;
}

} // namespace nnc::onnx
