// The syntax of regular expressions: from text to a program of a nondeterministic
// automaton on bytes.
#ifndef LIB_FRONTEND_ONNX_EXPRESSIONPARSER_H
#define LIB_FRONTEND_ONNX_EXPRESSIONPARSER_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace nnc::onnx {

/// One instruction; `next` and `other` are places in the program.
struct ExpressionStep {
  enum Kind : uint8_t {
    Byte,       ///< a byte from `low` to `high`
    Fork,       ///< `next` or `other`
    TextBegin,  ///< nothing, at the beginning of the text
    TextEnd,    ///< nothing, at its end
    LineBegin,  ///< nothing, at the beginning or behind a line feed
    LineEnd,    ///< nothing, at the end or before a line feed
    Boundary,   ///< nothing, between a letter, digit or _ of ASCII and anything else
    NoBoundary, ///< nothing, elsewhere
    Match
  };
  Kind kind;
  uint8_t low = 0, high = 0;
  int32_t next = -1, other = -1;
};

constexpr uint32_t lastCodePoint = 0x10FFFF;

/// Inclusive stretches of code points, ascending.
using CodePoints = std::vector<std::pair<uint32_t, uint32_t>>;

/// Reads an expression and writes its program, from the last instruction (Match, at 0) to the first.
class ExpressionParser {
public:
  explicit ExpressionParser(llvm::StringRef pattern) : rest(pattern) {}

  /// The place of the first instruction.
  llvm::Expected<int32_t> parse();
  const std::vector<ExpressionStep> &getProgram() const { return program; }

private:
  struct Node {
    enum Kind { Empty, Set, Test, Sequence, Alternatives, Repetition } kind = Empty;
    CodePoints set;
    ExpressionStep::Kind test = ExpressionStep::Match;
    std::vector<int32_t> children;
    int64_t least = 0, most = -1; ///< of a repetition; -1: any number
  };
  struct Flags {
    bool foldCase = false, multiLine = false, dotMatchesLineFeed = false;
  };

  bool fail(const llvm::Twine &reason);
  bool parseAlternatives(int32_t &node, unsigned depth);
  bool parseSequence(int32_t &node, unsigned depth);
  bool parseAtom(int32_t &node, unsigned depth);
  bool parseGroup(int32_t &node, unsigned depth);
  bool parseFlags(bool &isGroup);
  bool parseRepetition(int32_t &node);
  bool parseBounds(int64_t &least, int64_t &most, bool &isRepetition);
  bool parseEscape(int32_t &node);
  bool parseQuoted(int32_t &node);
  bool parseClass(CodePoints &set);
  bool parsePerlClass(CodePoints &set);
  bool parseClassElement(uint32_t &code, CodePoints &set, bool &isSet);
  bool parseNamedClass(CodePoints &set, bool &isNamed);
  bool parseCodePoint(uint32_t &code);
  bool parseEscapedCodePoint(uint32_t &code);

  int32_t addNode(Node node);
  CodePoints expand(CodePoints members, bool isOpposite) const;
  int32_t addSet(CodePoints set);

  int32_t emit(int32_t node, int32_t next);
  int32_t emitSet(const CodePoints &set, int32_t next);
  int32_t emitRange(uint32_t low, uint32_t high, int32_t next);
  int32_t emitRepetition(const Node &node, int32_t next);
  int32_t add(ExpressionStep step);

  llvm::StringRef rest;
  Flags flags;
  std::string reason;
  std::vector<Node> nodes;
  std::vector<ExpressionStep> program;
  int64_t numEmitted = 0;
};

} // namespace nnc::onnx

#endif // LIB_FRONTEND_ONNX_EXPRESSIONPARSER_H
