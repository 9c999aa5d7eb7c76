// Sums of products: Dense and its relatives.
#include "lib/Frontend/Import/Expression.h"
#include "lib/Frontend/Keras/LayerTable.h"

#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using nnc::frontend::Expression;

namespace nnc::keras {

/// vars/0 is the kernel, vars/1 the bias.
static void listDense(const Parameters &parameters, SmallVectorImpl<WeightSlot> &slots) {
  slots.push_back({"vars/0"});
  if (parameters.getBool("use_bias", true))
    slots.push_back({"vars/1"});
}

static LogicalResult importDense(LayerBinder &layer) {
  Value x = layer.input();
  layer.expectInputs(1);
  layer.refuse({"quantization_config", "lora_rank"});
  int64_t units = layer.positive("units", 0), rank = layer.getRank(x);
  if (layer.failed())
    return failure();
  if (rank < 2)
    return layer.reject("its input has no axis beside the batch");
  x = layer.create<nn::MatmulOp>(x, layer.weight({layer.extent(x, rank - 1), units}), /*transpose_lhs=*/false,
                                 /*transpose_rhs=*/false);
  if (layer.parameters().getBool("use_bias", true))
    x = layer.add(x, layer.weight({units}));
  return layer.result(layer.activate(x));
}

//===--- Products by an equation ---===//

namespace {

/// The labels of an equation such as ab,bcd->acd; what "..." stands for is already written out.
struct Equation {
  std::string input, kernel, output;
};

} // namespace

/// Rejects the layer where the equation is not a product that sums over all axes that the input shares with the kernel.
static Equation getEquation(LayerBinder &layer, int64_t rank) {
  auto [operands, output] = layer.parameters().getString("equation").split("->");
  auto [input, kernel] = operands.split(',');
  Equation equation{input.str(), kernel.str(), output.str()};
  // Axes that dots stand for get labels that no one else has.
  int64_t numDots = rank - static_cast<int64_t>(input.size()) + 3;
  std::string labels;
  for (int64_t i = 0; i < numDots && i < 10; ++i)
    labels.push_back(static_cast<char>('0' + i));
  for (std::string *term : {&equation.input, &equation.output})
    if (size_t dots = term->find("..."); dots != std::string::npos)
      term->replace(dots, 3, labels);
  std::string all = equation.input + equation.kernel + equation.output;
  bool isPlain = static_cast<int64_t>(equation.input.size()) == rank &&
                 llvm::all_of(all, [](char label) { return llvm::isAlnum(label); });
  for (const std::string &term : {equation.input, equation.kernel, equation.output})
    for (char label : term)
      isPlain &= llvm::count(term, label) == 1;
  // A label of both operands is summed over, any other one stays.
  for (char label : equation.input)
    isPlain &= (equation.kernel.find(label) != std::string::npos) != (equation.output.find(label) != std::string::npos);
  for (char label : equation.kernel)
    isPlain &= (equation.input.find(label) != std::string::npos) != (equation.output.find(label) != std::string::npos);
  if (!isPlain || equation.output.size() + 2 * llvm::count_if(equation.input,
                                                              [&](char label) {
                                                                return equation.kernel.find(label) != std::string::npos;
                                                              }) !=
                      equation.input.size() + equation.kernel.size())
    (void)layer.reject("the equation '" + layer.parameters().getString("equation") + "' is not supported");
  return equation;
}

/// Axes of `term` whose labels are in `other` (or are not), in order.
static SmallVector<int64_t> findAxes(StringRef term, StringRef other, bool isIn) {
  SmallVector<int64_t> axes;
  for (auto [axis, label] : llvm::enumerate(term))
    if (other.contains(label) == isIn)
      axes.push_back(axis);
  return axes;
}

static LogicalResult importEinsumDense(LayerBinder &layer) {
  layer.refuse({"quantization_config", "lora_rank"});
  Expression x(layer, layer.input());
  Value kernel = layer.weight();
  if (layer.failed())
    return failure();
  Equation equation = getEquation(layer, x.getRank());
  if (static_cast<size_t>(layer.getRank(kernel)) != equation.kernel.size())
    return layer.reject("its kernel has another number of axes than its equation");
  if (layer.failed())
    return failure();
  // The input as (kept, summed), the kernel as (summed, kept): one product of matrices.
  SmallVector<int64_t> rows = findAxes(equation.input, equation.kernel, false), order(rows), sizes;
  SmallVector<int64_t> columns = findAxes(equation.kernel, equation.input, false), kernelOrder;
  SmallVector<Expression> extents;
  std::string labels;
  for (int64_t axis : rows) {
    labels.push_back(equation.input[axis]);
    extents.push_back(x.extent(axis));
  }
  int64_t summed = 1;
  for (int64_t axis : findAxes(equation.input, equation.kernel, true)) {
    order.push_back(axis);
    kernelOrder.push_back(equation.kernel.find(equation.input[axis]));
    summed *= layer.getShape(kernel)[kernelOrder.back()];
  }
  int64_t width = 1;
  for (int64_t axis : columns) {
    kernelOrder.push_back(axis);
    labels.push_back(equation.kernel[axis]);
    sizes.push_back(layer.getShape(kernel)[axis]);
    width *= sizes.back();
  }
  if (!sizes.empty())
    extents.push_back(Expression::ints(layer, sizes));
  Expression product = x.transpose(order)
                           .reshape({-1, summed})
                           .matmul({layer, layer.reshape(layer.transpose(kernel, kernelOrder), {summed, width})});
  product = product.reshape(Expression::concat(layer, extents, 0));
  SmallVector<int64_t> permutation;
  for (char label : equation.output)
    permutation.push_back(labels.find(label));
  product = product.transpose(permutation);
  if (StringRef biasAxes = layer.parameters().getString("bias_axes"); !biasAxes.empty()) {
    Value bias = layer.weight();
    if (layer.failed() ||
        static_cast<size_t>(layer.getRank(bias)) > product.getRank() - equation.output.find(biasAxes.front()))
      return layer.reject("its bias does not fit");
    // The bias has the extents of its axes, and 1 for those between and behind them.
    product = product + Expression(layer, bias);
  }
  return layer.result(layer.activate(product));
}

static void listEinsumDense(const Parameters &parameters, SmallVectorImpl<WeightSlot> &slots) {
  slots.push_back({"vars/0"});
  if (parameters.has("bias_axes"))
    slots.push_back({"vars/1"});
}

static const LayerEntry table[] = {{"Dense", importDense, listDense},
                                   {"EinsumDense", importEinsumDense, listEinsumDense}};

ArrayRef<LayerEntry> getContractionLayers() { return table; }

} // namespace nnc::keras
