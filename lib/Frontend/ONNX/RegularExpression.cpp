// From the program of a nondeterministic automaton to a deterministic one: a state is
// a set of instructions, and what the byte before was.
#include "lib/Frontend/ONNX/RegularExpression.h"

#include "lib/Frontend/ONNX/ExpressionParser.h"

#include "llvm/ADT/BitVector.h"
#include "llvm/ADT/STLExtras.h"

#include <map>

namespace nnc::onnx {

/// Transitions of an automaton that is still built: 512 KiB.
static constexpr size_t maxTransitions = 256 << 10;
/// Work for it, in instructions that are looked at.
static constexpr int64_t maxWork = 50'000'000;

static bool isWord(int byte) {
  return (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') || byte == '_';
}

namespace {

/// What the byte before a position was.
enum class Before : uint8_t { Nothing, Word, LineFeed, Other };

class SubsetConstruction {
public:
  explicit SubsetConstruction(llvm::ArrayRef<ExpressionStep> program) : program(program), isMarked(program.size()) {}

  llvm::Expected<Automaton> build(int32_t first);

private:
  /// Instructions before which nothing of the next position has been tested, ascending, and the byte before.
  using State = std::pair<std::vector<int32_t>, Before>;

  void findClasses();
  bool holds(ExpressionStep::Kind test, Before before, int next) const;
  std::vector<int32_t> close(const State &state, int next);
  int32_t getPlace(State state);

  llvm::ArrayRef<ExpressionStep> program;
  llvm::BitVector isMarked;
  std::vector<int32_t> classes;
  std::vector<int> representatives; ///< a byte of each class; 0: the end
  std::map<State, int32_t> places;
  std::vector<State> states;
  bool testsContext = false; ///< the byte before counts
  int64_t work = 0;
};

} // namespace

/// Bytes that no instruction tells apart are one class.
void SubsetConstruction::findClasses() {
  llvm::BitVector starts(257);
  auto cut = [&](int low, int high) { // before low, behind high
    starts.set(low);
    starts.set(high + 1);
  };
  cut(0, 0);
  for (const ExpressionStep &step : program) {
    if (step.kind == ExpressionStep::Byte && step.low <= step.high)
      cut(step.low, step.high);
    testsContext |= step.kind != ExpressionStep::Byte && step.kind != ExpressionStep::Fork &&
                    step.kind != ExpressionStep::Match;
  }
  if (testsContext) {
    cut('0', '9');
    cut('A', 'Z');
    cut('a', 'z');
    cut('_', '_');
    cut('\n', '\n');
  }
  // Stretches of bytes that behave alike share a class.
  std::map<std::vector<bool>, int32_t> known;
  classes.assign(256, 0);
  int32_t current = -1;
  for (int byte = 0; byte < 256; ++byte) {
    if (starts.test(byte)) {
      std::vector<bool> behaviour{byte == 0};
      if (testsContext) {
        behaviour.push_back(isWord(byte));
        behaviour.push_back(byte == '\n');
      }
      for (const ExpressionStep &step : program)
        if (step.kind == ExpressionStep::Byte)
          behaviour.push_back(step.low <= byte && byte <= step.high);
      auto [place, isNew] = known.try_emplace(std::move(behaviour), representatives.size());
      if (isNew)
        representatives.push_back(byte);
      current = place->second;
    }
    classes[byte] = current;
  }
}

/// `next` is the next byte, 0 at the end.
bool SubsetConstruction::holds(ExpressionStep::Kind test, Before before, int next) const {
  bool isBoundary = (before == Before::Word) != isWord(next);
  switch (test) {
  case ExpressionStep::TextBegin:
    return before == Before::Nothing;
  case ExpressionStep::TextEnd:
    return next == 0;
  case ExpressionStep::LineBegin:
    return before == Before::Nothing || before == Before::LineFeed;
  case ExpressionStep::LineEnd:
    return next == 0 || next == '\n';
  case ExpressionStep::Boundary:
    return isBoundary;
  case ExpressionStep::NoBoundary:
    return !isBoundary;
  default:
    return false;
  }
}

/// All instructions that are reached without a byte.
std::vector<int32_t> SubsetConstruction::close(const State &state, int next) {
  std::vector<int32_t> reached = state.first;
  for (int32_t step : reached)
    isMarked.set(step);
  auto reach = [&](int32_t step) {
    if (!isMarked.test(step)) {
      isMarked.set(step);
      reached.push_back(step);
    }
  };
  for (size_t i = 0; i < reached.size(); ++i) {
    const ExpressionStep &step = program[reached[i]];
    ++work;
    if (step.kind == ExpressionStep::Fork) {
      reach(step.next);
      reach(step.other);
    } else if (holds(step.kind, state.second, next)) {
      reach(step.next);
    }
  }
  for (int32_t step : reached)
    isMarked.reset(step);
  return reached;
}

int32_t SubsetConstruction::getPlace(State state) {
  auto [place, isNew] = places.try_emplace(state, states.size());
  if (isNew)
    states.push_back(std::move(state));
  return place->second;
}

llvm::Expected<Automaton> SubsetConstruction::build(int32_t first) {
  findClasses();
  Before nothing = testsContext ? Before::Nothing : Before::Other;
  getPlace({{}, Before::Other}); // accepts nothing
  Automaton automaton;
  automaton.start = getPlace({{first}, nothing});
  for (size_t i = 0; i < states.size(); ++i) {
    for (int next : representatives) {
      const State state = states[i];
      std::vector<int32_t> reached = close(state, next), after;
      bool isAccepted = false;
      for (int32_t place : reached) {
        const ExpressionStep &step = program[place];
        isAccepted |= step.kind == ExpressionStep::Match;
        if (step.kind == ExpressionStep::Byte && step.low <= next && next <= step.high)
          after.push_back(step.next);
      }
      if (next == 0) {
        automaton.transitions.push_back(isAccepted);
        continue;
      }
      llvm::sort(after);
      after.erase(std::unique(after.begin(), after.end()), after.end());
      Before before = !testsContext || after.empty() ? Before::Other
                      : isWord(next)                 ? Before::Word
                      : next == '\n'                 ? Before::LineFeed
                                                     : Before::Other;
      automaton.transitions.push_back(getPlace({std::move(after), before}));
      if (automaton.transitions.size() > maxTransitions || states.size() > INT16_MAX || work > maxWork)
        return llvm::createStringError("it takes too many states");
    }
  }
  automaton.classes = classes;
  return automaton;
}

llvm::Expected<Automaton> compileExpression(llvm::StringRef pattern) {
  ExpressionParser parser(pattern);
  llvm::Expected<int32_t> first = parser.parse();
  if (!first)
    return first.takeError();
  return SubsetConstruction(parser.getProgram()).build(*first);
}

} // namespace nnc::onnx
