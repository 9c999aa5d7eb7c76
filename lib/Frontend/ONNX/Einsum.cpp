// Einsum: operands are contracted one after the other, from left to right, as
// matrix products whose rows, columns and batches are groups of labels.
#include "lib/Frontend/Import/Expression.h"
#include "lib/Frontend/ONNX/OpTable.h"

#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace nnc::onnx {

using frontend::Expression;

namespace {

/// A label: a letter, or, from `ellipsis` on, an axis of the ellipsis counted from the right.
using Label = int;
constexpr Label ellipsis = 256;
using Labels = SmallVector<Label>;

/// An operand and the label of each of its axes.
struct Term {
  Expression value;
  Labels labels;
};

class EinsumBuilder {
public:
  explicit EinsumBuilder(NodeBinder &node) : node(node) {}
  Expression build(StringRef equation);

private:
  bool parse(StringRef equation);
  bool parseTerm(StringRef text, int64_t rank, Labels &labels);
  Expression takeDiagonals(Term &term);
  void sumOut(Term &term, function_ref<bool(Label)> isNeeded);
  void permute(Term &term, ArrayRef<Label> order);
  void sumBroadcast(Term &a, Term &b, function_ref<bool(Label)> isNeeded);
  Term multiply(Term a, Term b, function_ref<bool(Label)> isNeeded);
  Expression countElements(const Term &term, ArrayRef<Label> labels);

  NodeBinder &node;
  SmallVector<Term> terms;
  Labels output;
};

} // namespace

static int64_t findAxis(const Term &term, Label label) { return llvm::find(term.labels, label) - term.labels.begin(); }

bool EinsumBuilder::parseTerm(StringRef text, int64_t rank, Labels &labels) {
  auto [before, after] = text.split("...");
  bool hasEllipsis = text.contains("...");
  int64_t letters = hasEllipsis ? before.size() + after.size() : text.size();
  if (hasEllipsis ? letters > rank : (rank >= 0 && letters != rank))
    return false;
  for (char c : before)
    labels.push_back(c);
  for (int64_t i = rank - letters; hasEllipsis && i > 0; --i)
    labels.push_back(ellipsis + i - 1);
  for (char c : hasEllipsis ? after : "")
    labels.push_back(c);
  return llvm::all_of(labels, [](Label label) { return label >= ellipsis || llvm::isAlpha(static_cast<char>(label)); });
}

bool EinsumBuilder::parse(StringRef equation) {
  auto [left, right] = equation.split("->");
  SmallVector<StringRef> inputs;
  left.split(inputs, ',');
  if (inputs.size() != terms.size())
    return false;
  int64_t broadcast = 0;
  for (auto [text, term] : llvm::zip(inputs, terms)) {
    if (!parseTerm(text, term.value.getRank(), term.labels))
      return false;
    for (Label label : term.labels)
      broadcast = std::max<int64_t>(broadcast, label >= ellipsis ? label - ellipsis + 1 : 0);
  }
  if (equation.contains("->")) {
    bool hasEllipsis = right.contains("...");
    int64_t letters = right.size() - (hasEllipsis ? 3 : 0);
    return parseTerm(right, letters + (hasEllipsis ? broadcast : 0), output);
  }
  // Without a right side: the ellipsis, then the labels that occur once, in alphabetical order.
  for (int64_t i = broadcast; i > 0; --i)
    output.push_back(ellipsis + i - 1);
  for (Label c = 'A'; c <= 'z'; ++c) {
    int64_t count = 0;
    for (Term &term : terms)
      count += llvm::count(term.labels, c);
    if (count == 1)
      output.push_back(c);
  }
  return true;
}

void EinsumBuilder::permute(Term &term, ArrayRef<Label> order) {
  SmallVector<int64_t> permutation;
  for (Label label : order)
    permutation.push_back(findAxis(term, label));
  term.value = term.value.transpose(permutation);
  term.labels.assign(order.begin(), order.end());
}

/// A label that an operand has twice stands for a diagonal: axes (n, n) merge, and of n * n elements each (n + 1)-th stays.
Expression EinsumBuilder::takeDiagonals(Term &term) {
  for (size_t i = 0; i < term.labels.size() && !node.failed();) {
    Label label = term.labels[i];
    if (llvm::count(term.labels, label) < 2) {
      ++i;
      continue;
    }
    size_t j = i + 1;
    while (term.labels[j] != label)
      ++j;
    SmallVector<int64_t> permutation;
    Labels rest;
    for (size_t axis = 0; axis < term.labels.size(); ++axis)
      if (axis != i && axis != j) {
        permutation.push_back(axis);
        rest.push_back(term.labels[axis]);
      }
    permutation.append({static_cast<int64_t>(i), static_cast<int64_t>(j)});
    int64_t first = term.value.getExtent(i), second = term.value.getExtent(j);
    if (!ShapedType::isDynamic(first) && !ShapedType::isDynamic(second) && first != second) {
      (void)node.reject("a diagonal of axes of different extents");
      return {};
    }
    Expression x = term.value.transpose(permutation);
    int64_t axis = rest.size();
    Expression step = x.extent(axis) + 1;
    x = x.reshape(Expression::concat(node, {x.shape(0, axis), Expression::ints(node, {-1})}, 0));
    Expression zero = Expression::ints(node, {0}), end = Expression::ints(node, {std::numeric_limits<int64_t>::max()});
    term.value = {node, node.create<nn::SliceOp>(x, zero, end, step, ArrayRef<int64_t>{axis})};
    term.labels = rest;
    term.labels.push_back(label);
    i = 0;
  }
  return term.value;
}

void EinsumBuilder::sumOut(Term &term, function_ref<bool(Label)> isNeeded) {
  SmallVector<int64_t> axes;
  Labels kept;
  for (auto [axis, label] : llvm::enumerate(term.labels))
    if (isNeeded(label))
      kept.push_back(label);
    else
      axes.push_back(axis);
  if (!axes.empty())
    term.value = term.value.reduce(nn::ReductionKind::Sum, axes, /*keepdims=*/false);
  term.labels = kept;
}

/// The product of the extents of `labels`, 1-D.
Expression EinsumBuilder::countElements(const Term &term, ArrayRef<Label> labels) {
  Expression count = Expression::ints(node, {1});
  for (Label label : labels)
    count = count * term.value.extent(findAxis(term, label));
  return count;
}

/// What one operand has once for all elements of the other one's axis is no part of a matrix product: both sum alone.
void EinsumBuilder::sumBroadcast(Term &a, Term &b, function_ref<bool(Label)> isNeeded) {
  for (Label label : Labels(a.labels)) {
    if (isNeeded(label) || !llvm::is_contained(b.labels, label))
      continue;
    bool isOneOfA = a.value.getExtent(findAxis(a, label)) == 1, isOneOfB = b.value.getExtent(findAxis(b, label)) == 1;
    if (isOneOfA == isOneOfB)
      continue;
    sumOut(a, [&](Label other) { return other != label; });
    sumOut(b, [&](Label other) { return other != label; });
  }
}

Term EinsumBuilder::multiply(Term a, Term b, function_ref<bool(Label)> isNeeded) {
  sumBroadcast(a, b, isNeeded);
  Labels batch, contracted, left, right;
  for (Label label : a.labels) {
    bool isShared = llvm::is_contained(b.labels, label);
    (!isShared ? left : isNeeded(label) ? batch : contracted).push_back(label);
  }
  for (Label label : b.labels)
    if (!llvm::is_contained(a.labels, label))
      right.push_back(label);
  Labels resultLabels = batch;
  llvm::append_range(resultLabels, left);
  llvm::append_range(resultLabels, right);
  int64_t numBatch = batch.size(), numLeft = left.size(), numRight = right.size();
  Labels orderA = batch, orderB = batch;
  llvm::append_range(orderA, left);
  if (contracted.empty()) {
    llvm::append_range(orderB, right);
    permute(a, orderA);
    permute(b, orderB);
    auto insert = [](Expression x, int64_t at, int64_t count) {
      return count ? x.unsqueeze(llvm::to_vector(llvm::seq<int64_t>(at, at + count))) : x;
    };
    return {insert(a.value, numBatch + numLeft, numRight) * insert(b.value, numBatch, numLeft), resultLabels};
  }
  llvm::append_range(orderA, contracted);
  llvm::append_range(orderB, contracted);
  llvm::append_range(orderB, right);
  permute(a, orderA);
  permute(b, orderB);
  if (node.failed())
    return a;
  // (batch..., rows, shared) x (batch..., shared, columns); a sum over one axis of extent 1 is not told from its sizes.
  Expression rows = countElements(a, left), columns = countElements(b, right);
  SmallVector<Expression> shapeA, shapeB, shape;
  for (int64_t i = 0; i < numBatch; ++i) {
    shapeA.push_back(a.value.extent(i));
    shapeB.push_back(b.value.extent(i));
    shape.push_back(a.value.extent(i).max(b.value.extent(i)));
  }
  shapeA.append({rows, countElements(a, contracted)});
  shapeB.append({countElements(b, contracted), columns});
  for (Label label : left)
    shape.push_back(a.value.extent(findAxis(a, label)));
  for (Label label : right)
    shape.push_back(b.value.extent(findAxis(b, label)));
  auto reshape = [&](Expression x, ArrayRef<Expression> extents) -> Expression { // an extent of 0 is one, too
    return {node, node.create<nn::ReshapeOp>(x, Expression::concat(node, extents, 0), /*allow_zero=*/true)};
  };
  Expression product = reshape(a.value, shapeA).matmul(reshape(b.value, shapeB));
  Expression result = shape.empty() ? product.reshape(ArrayRef<int64_t>{}) : reshape(product, shape);
  return {result, resultLabels};
}

Expression EinsumBuilder::build(StringRef equation) {
  for (Value operand : node.allOperands())
    terms.push_back({{node, operand}, {}});
  if (node.failed())
    return {};
  if (terms.empty() || !parse(equation)) {
    (void)node.reject("the equation '" + equation + "' does not fit the operands");
    return {};
  }
  for (Term &term : terms)
    takeDiagonals(term);
  for (size_t i = 0; i < terms.size() && !node.failed(); ++i) {
    auto isNeeded = [&](Label label) {
      return llvm::is_contained(output, label) ||
             llvm::any_of(llvm::drop_begin(terms, i + 1), [&](Term &t) { return llvm::is_contained(t.labels, label); });
    };
    if (i == 0) {
      sumOut(terms[0], isNeeded);
      continue;
    }
    // What only the next operand has is summed before, what both have by the product.
    sumOut(terms[i], [&](Label label) { return isNeeded(label) || llvm::is_contained(terms[i - 1].labels, label); });
    terms[i] = multiply(terms[i - 1], terms[i], isNeeded);
  }
  if (node.failed())
    return {};
  Term &last = terms.back();
  sumOut(last, [&](Label label) { return llvm::is_contained(output, label); });
  llvm::SmallDenseSet<Label> unique(output.begin(), output.end());
  if (unique.size() != output.size() || output.size() != last.labels.size() ||
      !llvm::all_of(output, [&](Label label) { return llvm::is_contained(last.labels, label); })) {
    (void)node.reject("the equation '" + equation + "' asks for a label that no operand has, or for one twice");
    return {};
  }
  permute(last, output);
  return last.value;
}

static LogicalResult importEinsum(NodeBinder &node) {
  std::string equation = node.stringAttr("equation", "");
  llvm::erase(equation, ' ');
  return node.result(EinsumBuilder(node).build(equation));
}

static const OpEntry table[] = {
    {"Einsum", 12, importEinsum},
};

ArrayRef<OpEntry> getEinsumOps() { return table; }

} // namespace nnc::onnx
