// Walks up from what the function returns. Whatever is not plain arithmetic has no formula.
#include "lib/Target/ExtentFormulas.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace nnc {
namespace {

/// A formula, and how tightly its outermost operator binds.
struct Formula {
  enum Binding { Sum, Product, Atom };
  std::string text; ///< empty: there is none
  Binding binding = Atom;

  /// As the operand of an operator that binds so.
  std::string getOperand(Binding around) const { return binding < around ? "(" + text + ")" : text; }
};

class FormulaWriter {
public:
  FormulaWriter(func::FuncOp function, ArrayRef<std::string> arguments) : function(function), arguments(arguments) {}

  Formula write(Value value) {
    if (auto argument = dyn_cast<BlockArgument>(value)) {
      bool isNamed = argument.getOwner() == &function.getBody().front() && argument.getArgNumber() < arguments.size();
      return {isNamed ? arguments[argument.getArgNumber()] : "", Formula::Atom};
    }
    APInt constant;
    if (matchPattern(value, m_ConstantInt(&constant)))
      return {std::to_string(constant.getSExtValue()), constant.isNegative() ? Formula::Sum : Formula::Atom};
    auto [known, isNew] = formulas.try_emplace(value);
    if (isNew) {
      Formula formula = writeOperation(value.getDefiningOp());
      if (formula.text.size() > maxLength)
        formula.text.clear();
      formulas[value] = std::move(formula);
    }
    return formulas[value];
  }

private:
  static constexpr size_t maxLength = 60;

  Formula writeOperation(Operation *op) {
    return llvm::TypeSwitch<Operation *, Formula>(op)
        .Case<arith::AddIOp>([&](auto) { return join(op, " + ", Formula::Sum, Formula::Sum); })
        .Case<arith::SubIOp>([&](auto) { return join(op, " - ", Formula::Sum, Formula::Product); })
        .Case<arith::MulIOp>([&](auto) { return join(op, " * ", Formula::Product, Formula::Atom); })
        .Case<arith::DivUIOp>([&](auto) { return join(op, " / ", Formula::Product, Formula::Atom); })
        .Case<arith::SelectOp>([&](arith::SelectOp select) {
          Formula one = write(select.getTrueValue()), other = write(select.getFalseValue());
          return one.text == other.text ? one : Formula();
        })
        .Default([](Operation *) { return Formula(); });
  }

  Formula join(Operation *op, StringRef sign, Formula::Binding binding, Formula::Binding ofSecond) {
    Formula first = write(op->getOperand(0)), second = write(op->getOperand(1));
    if (first.text.empty() || second.text.empty())
      return {};
    return {first.getOperand(binding) + sign.str() + second.getOperand(ofSecond), binding};
  }

  func::FuncOp function;
  ArrayRef<std::string> arguments;
  DenseMap<Value, Formula> formulas;
};

} // namespace

std::vector<std::string> listExtentFormulas(func::FuncOp function, ArrayRef<std::string> arguments) {
  FormulaWriter writer(function, arguments);
  std::vector<std::string> texts;
  for (Value extent : function.getBody().front().getTerminator()->getOperands())
    texts.push_back(writer.write(extent).text);
  return texts;
}

} // namespace nnc
