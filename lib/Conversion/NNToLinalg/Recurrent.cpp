// Recurrent layers: the products of all time steps with the input weights are one
// kernel.contract; a loop over time multiplies the hidden state with the packed
// recurrent weights and combines the gates. States are updated in place.
#include "dialects/NN/Extent.h"
#include "lib/Conversion/NNToLinalg/Activations.h"
#include "lib/Conversion/NNToLinalg/AxisGroups.h"
#include "lib/Conversion/NNToLinalg/Broadcasting.h"
#include "lib/Conversion/NNToLinalg/Contraction.h"
#include "lib/Conversion/NNToLinalg/ElementwiseBodies.h"
#include "lib/Conversion/NNToLinalg/LoweringPattern.h"
#include "lib/Conversion/NNToLinalg/NNToLinalg.h"
#include "lib/Conversion/NNToLinalg/TensorBuilding.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;

namespace nnc {
namespace {

using Builder = ImplicitLocOpBuilder;

/// A tensor that a gate reads, and where its element is in [batch, hidden].
struct GateInput {
  Value tensor;
  AffineMap map;
};

/// New values of the states, and the step's output.
struct StepResult {
  SmallVector<Value> states;
  Value output;
};

/// What the layers share, whatever their gates.
template <typename OpTy> class RecurrentLayer {
public:
  RecurrentLayer(Builder &builder, OpTy op, typename OpTy::Adaptor adaptor, int64_t gates);

  /// Loops over time. `step` is given the input's part of all gates [batch, gates * hidden], the states and the time.
  SmallVector<Value> run(Builder &builder, Value projected, ArrayRef<Value> states,
                         llvm::function_ref<StepResult(Builder &, Value, ValueRange, Value)> step);

  /// x W^T + bias for all time steps: [time, batch, gates * hidden].
  Value project(Builder &builder, Value bias);
  /// The sum of both biases, or the one there is; null where there is none.
  Value sumBiases(Builder &builder);
  /// Recurrent weights of gates [first, first + count), packed.
  Value packGates(Builder &builder, int64_t first, int64_t count);
  /// state R^T of `count` gates: [batch, count * hidden].
  Value multiply(Builder &builder, Value state, Value packed, int64_t count);
  /// a + b, where `b` is a tensor like `a` or a row.
  Value addTo(Builder &builder, Value a, Value b);
  /// Columns of `count` gates of [batch, gates * hidden], or entries of [gates * hidden].
  Value takeGates(Builder &builder, Value stacked, int64_t first, int64_t count = 1);
  Value getInitialState(Builder &builder, Value given);

  GateInput whole(Value tensor) const { return {tensor, AffineMap::getMultiDimIdentityMap(2, context)}; }
  GateInput perUnit(Value tensor) const { return {tensor, AffineMap::get(2, 0, getAffineDimExpr(1, context))}; }
  GateInput perEntry(Value tensor) const { return {tensor, AffineMap::get(2, 0, getAffineDimExpr(0, context))}; }

  /// One element-wise pass over [batch, hidden]. `body` computes on the elements of `inputs`, then those of `inits`.
  SmallVector<Value> combine(Builder &builder, ArrayRef<GateInput> inputs, ArrayRef<Value> inits,
                             llvm::function_ref<SmallVector<Value>(Builder &, ValueRange)> body);
  /// Updates states; where there are lengths, entries that have ended keep theirs and put out zeros.
  StepResult update(Builder &builder, ArrayRef<GateInput> inputs, ValueRange states, Value time,
                    llvm::function_ref<SmallVector<Value>(Builder &, ValueRange)> body);

  /// Activation `index` of `x`, which is clipped before.
  Value activate(Builder &builder, unsigned index, Value x, bool clipped = true);
  Value createState(Builder &builder) {
    return createEmpty(builder, builder.getLoc(), stateType, {batch, hidden});
  }

private:
  OpTy op;
  typename OpTy::Adaptor adaptor;
  MLIRContext *context;
  int64_t gates;
  RankedTensorType inputType, stateType;
  Value time, batch, hidden;
};

} // namespace

static int64_t scale(int64_t count, int64_t extent) {
  return ShapedType::isDynamic(extent) ? extent : count * extent;
}

template <typename OpTy>
RecurrentLayer<OpTy>::RecurrentLayer(Builder &builder, OpTy op, typename OpTy::Adaptor adaptor, int64_t gates)
    : op(op), adaptor(adaptor), context(op.getContext()), gates(gates),
      inputType(getRanked(adaptor.getInput())), stateType(getRanked(op.getHidden())),
      time(getExtent(builder, op.getLoc(), adaptor.getInput(), 0)),
      batch(getExtent(builder, op.getLoc(), adaptor.getInput(), 1)),
      hidden(stateType.isDynamicDim(1) ? getExtent(builder, op.getLoc(), adaptor.getRecurrentWeights(), 1)
                                       : getIndex(builder, stateType.getDimSize(1))) {}

template <typename OpTy>
Value RecurrentLayer<OpTy>::addTo(Builder &builder, Value a, Value b) {
  RankedTensorType type = getRanked(a);
  int64_t rank = type.getRank();
  AffineMap whole = builder.getMultiDimIdentityMap(rank);
  AffineMap maps[] = {whole, getRanked(b).getRank() == rank
                                 ? whole : AffineMap::get(rank, 0, builder.getAffineDimExpr(rank - 1)), whole};
  SmallVector<utils::IteratorType> iterators(rank, utils::IteratorType::parallel);
  Type element = type.getElementType();
  auto body = [&](OpBuilder &nested, Location loc, ValueRange arguments) {
    Builder inner(loc, nested);
    Value sum = arith::AddFOp::create(inner, loadElement(inner, arguments[0], element),
                                      loadElement(inner, arguments[1], element));
    linalg::YieldOp::create(inner, storeElement(inner, sum, element));
  };
  Value init = createEmptyLike(builder, builder.getLoc(), type, a);
  return linalg::GenericOp::create(builder, type, ValueRange{a, b}, init, maps, iterators, body).getResult(0);
}

template <typename OpTy>
Value RecurrentLayer<OpTy>::sumBiases(Builder &builder) {
  Value bias = adaptor.getBias(), recurrent = adaptor.getRecurrentBias();
  return bias && recurrent ? addTo(builder, bias, recurrent) : bias ? bias : recurrent;
}

template <typename OpTy>
Value RecurrentLayer<OpTy>::project(Builder &builder, Value bias) {
  int64_t counts[] = {2, 1};
  Value rows = mergeAxes(builder, adaptor.getInput(), counts);
  Value packed = packMatrix(builder, op, adaptor.getWeights(), /*transposed=*/true);
  int64_t width = scale(gates, stateType.getDimSize(1));
  Value columns = mul(builder, getIndex(builder, gates), hidden);
  RankedTensorType type = inputType.clone({getRanked(rows).getDimSize(0), width});
  Value product = multiplyPacked(builder, rows, packed, type, {getExtent(builder, builder.getLoc(), rows, 0), columns});
  if (bias)
    product = addTo(builder, product, bias);
  return splitAxes(builder, product, inputType.clone({inputType.getDimSize(0), inputType.getDimSize(1), width}),
                   counts, {time, batch, columns});
}

template <typename OpTy>
Value RecurrentLayer<OpTy>::packGates(Builder &builder, int64_t first, int64_t count) {
  Value weights = adaptor.getRecurrentWeights();
  if (count != gates) {
    Value rows = mul(builder, getIndex(builder, count), hidden), from = mul(builder, getIndex(builder, first), hidden);
    RankedTensorType type =
        inputType.clone({scale(count, stateType.getDimSize(1)), getRanked(weights).getDimSize(1)});
    Value columns = getExtent(builder, builder.getLoc(), weights, 1);
    SmallVector<OpFoldResult> offsets{getAsOpFoldResult(from), builder.getIndexAttr(0)},
        sizes{getAsOpFoldResult(rows), getAsOpFoldResult(columns)}, strides(2, builder.getIndexAttr(1));
    weights = tensor::ExtractSliceOp::create(builder, type, weights, offsets, sizes, strides);
  }
  return packMatrix(builder, op, weights, /*transposed=*/true);
}

template <typename OpTy>
Value RecurrentLayer<OpTy>::multiply(Builder &builder, Value state, Value packed, int64_t count) {
  RankedTensorType type = stateType.clone({stateType.getDimSize(0), scale(count, stateType.getDimSize(1))});
  return multiplyPacked(builder, state, packed, type, {batch, mul(builder, getIndex(builder, count), hidden)});
}

template <typename OpTy>
Value RecurrentLayer<OpTy>::takeGates(Builder &builder, Value stacked, int64_t first, int64_t count) {
  Value width = mul(builder, getIndex(builder, count), hidden), from = mul(builder, getIndex(builder, first), hidden);
  bool isRow = getRanked(stacked).getRank() == 1;
  SmallVector<int64_t> shape{stateType.getDimSize(0), scale(count, stateType.getDimSize(1))};
  SmallVector<OpFoldResult> offsets{builder.getIndexAttr(0), getAsOpFoldResult(from)},
      sizes{getAsOpFoldResult(batch), getAsOpFoldResult(width)}, strides(2, builder.getIndexAttr(1));
  ArrayRef<OpFoldResult> from2(offsets), sizes2(sizes), strides2(strides);
  return tensor::ExtractSliceOp::create(builder, stateType.clone(ArrayRef(shape).drop_front(isRow)), stacked,
                                        from2.drop_front(isRow), sizes2.drop_front(isRow),
                                        strides2.drop_front(isRow));
}

template <typename OpTy>
Value RecurrentLayer<OpTy>::getInitialState(Builder &builder, Value given) {
  if (given)
    return castTo(builder, given, stateType);
  Value zero = arith::ConstantOp::create(builder, builder.getZeroAttr(stateType.getElementType()));
  return linalg::FillOp::create(builder, zero, createState(builder)).getResult(0);
}

template <typename OpTy>
SmallVector<Value> RecurrentLayer<OpTy>::combine(Builder &builder, ArrayRef<GateInput> inputs, ArrayRef<Value> inits,
                                                 llvm::function_ref<SmallVector<Value>(Builder &, ValueRange)> body) {
  SmallVector<Value> tensors;
  SmallVector<AffineMap> maps;
  for (const GateInput &input : inputs) {
    tensors.push_back(input.tensor);
    maps.push_back(input.map);
  }
  maps.append(inits.size(), builder.getMultiDimIdentityMap(2));
  SmallVector<utils::IteratorType> iterators(2, utils::IteratorType::parallel);
  Type element = stateType.getElementType();
  auto scalars = [&](OpBuilder &nested, Location loc, ValueRange arguments) {
    Builder inner(loc, nested);
    SmallVector<Value> elements, results;
    for (Value argument : arguments)
      elements.push_back(loadElement(inner, argument, argument.getType()));
    for (Value result : body(inner, elements))
      results.push_back(storeElement(inner, result, element));
    linalg::YieldOp::create(inner, results);
  };
  auto generic = linalg::GenericOp::create(builder, TypeRange(ValueRange(inits)), tensors, inits, maps, iterators,
                                           scalars);
  return SmallVector<Value>(generic.getResults());
}

template <typename OpTy>
StepResult RecurrentLayer<OpTy>::update(Builder &builder, ArrayRef<GateInput> inputs, ValueRange states, Value time,
                                        llvm::function_ref<SmallVector<Value>(Builder &, ValueRange)> body) {
  if (!adaptor.getLengths()) {
    SmallVector<Value> next = combine(builder, inputs, SmallVector<Value>(states), body);
    return {next, next.front()};
  }
  SmallVector<GateInput> all(inputs);
  all.push_back(perEntry(adaptor.getLengths()));
  SmallVector<Value> inits(states);
  inits.push_back(createState(builder));
  SmallVector<Value> next = combine(builder, all, inits, [&](Builder &inner, ValueRange elements) {
    SmallVector<Value> old(elements.drop_front(all.size()).take_front(states.size()));
    SmallVector<Value> own(elements.take_front(inputs.size()));
    llvm::append_range(own, old);
    Value length = elements[inputs.size()], now = arith::IndexCastOp::create(inner, length.getType(), time);
    Value isActive = arith::CmpIOp::create(inner, arith::CmpIPredicate::slt, now, length);
    SmallVector<Value> results = body(inner, own);
    Value zero = arith::ConstantOp::create(inner, inner.getZeroAttr(results.front().getType()));
    Value output = arith::SelectOp::create(inner, isActive, results.front(), zero);
    for (auto [result, before] : llvm::zip(results, old))
      result = arith::SelectOp::create(inner, isActive, result, before);
    results.push_back(output);
    return results;
  });
  Value output = next.pop_back_val();
  return {next, output};
}

/// `x`, its magnitude at most `limit`; NaN stays.
static Value clip(Builder &builder, std::optional<APFloat> limit, Value x) {
  if (!limit)
    return x;
  auto bound = [&](arith::CmpFPredicate predicate, double at) {
    Value value = arith::ConstantOp::create(builder, builder.getFloatAttr(x.getType(), at));
    x = arith::SelectOp::create(builder, arith::CmpFOp::create(builder, predicate, x, value), value, x);
  };
  bound(arith::CmpFPredicate::OGT, limit->convertToFloat());
  bound(arith::CmpFPredicate::OLT, -limit->convertToFloat());
  return x;
}

template <typename OpTy>
Value RecurrentLayer<OpTy>::activate(Builder &builder, unsigned index, Value x, bool clipped) {
  if (clipped)
    x = clip(builder, op.getClip(), x);
  auto kind = cast<nn::ActivationAttr>(op.getActivations()[index]).getValue();
  return buildActivation(builder, {kind, op.getAlphas()[index], op.getBetas()[index]}, x);
}

template <typename OpTy>
SmallVector<Value>
RecurrentLayer<OpTy>::run(Builder &builder, Value projected, ArrayRef<Value> states,
                          llvm::function_ref<StepResult(Builder &, Value, ValueRange, Value)> step) {
  SmallVector<Value> carried(states);
  bool isSequenceUsed = !op.getSequence().use_empty();
  if (isSequenceUsed)
    carried.push_back(createEmpty(builder, builder.getLoc(), getRanked(op.getSequence()), {time, batch, hidden}));
  OpFoldResult zero = builder.getIndexAttr(0), one = builder.getIndexAttr(1);
  SmallVector<OpFoldResult> strides(3, one);
  Value last = sub(builder, time, getIndex(builder, 1));
  int64_t width = scale(gates, stateType.getDimSize(1));
  Value columns = mul(builder, getIndex(builder, gates), hidden);
  auto body = [&](OpBuilder &nested, Location loc, Value number, ValueRange arguments) {
    Builder inner(loc, nested);
    Value at = op.getReverse() ? arith::SubIOp::create(inner, last, number).getResult() : number;
    SmallVector<OpFoldResult> offsets{at, zero, zero},
        sizes{one, getAsOpFoldResult(batch), getAsOpFoldResult(columns)};
    Value given = tensor::ExtractSliceOp::create(inner, inputType.clone({stateType.getDimSize(0), width}), projected,
                                                 offsets, sizes, strides);
    StepResult result = step(inner, given, arguments.take_front(states.size()), at);
    if (isSequenceUsed) {
      sizes.back() = getAsOpFoldResult(hidden);
      result.states.push_back(
          tensor::InsertSliceOp::create(inner, result.output, arguments.back(), offsets, sizes, strides));
    }
    scf::YieldOp::create(inner, result.states);
  };
  auto loop = scf::ForOp::create(builder, getIndex(builder, 0), time, getIndex(builder, 1), carried, body);
  SmallVector<Value> results(loop.getResults());
  Value sequence = isSequenceUsed ? results.pop_back_val()
                                  : createEmpty(builder, builder.getLoc(), getRanked(op.getSequence()),
                                                {time, batch, hidden});
  results.insert(results.begin(), sequence);
  return results;
}

//===--- The layers ---===//

static SmallVector<Value> lower(Builder &builder, nn::RnnOp op, nn::RnnOp::Adaptor adaptor) {
  RecurrentLayer<nn::RnnOp> layer(builder, op, adaptor, 1);
  Value packed = layer.packGates(builder, 0, 1), projected = layer.project(builder, layer.sumBiases(builder));
  Value state = layer.getInitialState(builder, adaptor.getInitialHidden());
  return layer.run(builder, projected, state, [&](Builder &inner, Value given, ValueRange states, Value time) {
    Value product = layer.multiply(inner, states[0], packed, 1);
    return layer.update(inner, {layer.whole(layer.addTo(inner, product, given))}, states, time,
                        [&](Builder &scalar, ValueRange x) {
                          return SmallVector<Value>{layer.activate(scalar, 0, x[0])};
                        });
  });
}

/// (1 - z) n + z h.
static Value interpolate(Builder &builder, Value z, Value n, Value h) {
  Value one = arith::ConstantOp::create(builder, builder.getFloatAttr(z.getType(), 1));
  Value fresh = arith::MulFOp::create(builder, arith::SubFOp::create(builder, one, z), n);
  return arith::AddFOp::create(builder, fresh, arith::MulFOp::create(builder, z, h));
}

/// The reset gate meets the product with the recurrent weights.
static StepResult stepLinear(Builder &builder, RecurrentLayer<nn::GruOp> &layer, Value given, ValueRange states,
                             Value time, Value packed, Value recurrentBias) {
  Value product = layer.multiply(builder, states[0], packed, 3);
  if (recurrentBias)
    product = layer.addTo(builder, product, recurrentBias);
  SmallVector<GateInput> inputs;
  for (Value stacked : {given, product})
    for (int64_t gate = 0; gate < 3; ++gate)
      inputs.push_back(layer.whole(layer.takeGates(builder, stacked, gate)));
  return layer.update(builder, inputs, states, time, [&](Builder &scalar, ValueRange x) {
    Value z = layer.activate(scalar, 0, arith::AddFOp::create(scalar, x[0], x[3]));
    Value r = layer.activate(scalar, 0, arith::AddFOp::create(scalar, x[1], x[4]));
    Value n = arith::AddFOp::create(scalar, x[2], arith::MulFOp::create(scalar, r, x[5]));
    return SmallVector<Value>{interpolate(scalar, z, layer.activate(scalar, 1, n), x[6])};
  });
}

/// The reset gate meets the state, before it is multiplied.
static StepResult stepReset(Builder &builder, RecurrentLayer<nn::GruOp> &layer, Value given, ValueRange states,
                            Value time, Value packedGates, Value packedCandidate) {
  Value product = layer.multiply(builder, states[0], packedGates, 2);
  Value sum = layer.addTo(builder, product, layer.takeGates(builder, given, 0, 2));
  SmallVector<GateInput> inputs{layer.whole(layer.takeGates(builder, sum, 0)),
                                layer.whole(layer.takeGates(builder, sum, 1)), layer.whole(states[0])};
  SmallVector<Value> inits{layer.createState(builder), layer.createState(builder)};
  SmallVector<Value> gates = layer.combine(builder, inputs, inits, [&](Builder &scalar, ValueRange x) {
    Value z = layer.activate(scalar, 0, x[0]), r = layer.activate(scalar, 0, x[1]);
    return SmallVector<Value>{z, arith::MulFOp::create(scalar, r, x[2])};
  });
  Value candidate = layer.addTo(builder, layer.multiply(builder, gates[1], packedCandidate, 1),
                                layer.takeGates(builder, given, 2));
  return layer.update(builder, {layer.whole(gates[0]), layer.whole(candidate)}, states, time,
                      [&](Builder &scalar, ValueRange x) {
                        return SmallVector<Value>{interpolate(scalar, x[0], layer.activate(scalar, 1, x[1]), x[2])};
                      });
}

static SmallVector<Value> lower(Builder &builder, nn::GruOp op, nn::GruOp::Adaptor adaptor) {
  RecurrentLayer<nn::GruOp> layer(builder, op, adaptor, 3);
  bool isLinear = op.getLinearBeforeReset();
  Value packed = layer.packGates(builder, 0, isLinear ? 3 : 2);
  Value candidate = isLinear ? Value() : layer.packGates(builder, 2, 1);
  Value projected = layer.project(builder, isLinear ? adaptor.getBias() : layer.sumBiases(builder));
  Value state = layer.getInitialState(builder, adaptor.getInitialHidden());
  return layer.run(builder, projected, state, [&](Builder &inner, Value given, ValueRange states, Value time) {
    return isLinear ? stepLinear(inner, layer, given, states, time, packed, adaptor.getRecurrentBias())
                    : stepReset(inner, layer, given, states, time, packed, candidate);
  });
}

static SmallVector<Value> lower(Builder &builder, nn::LstmOp op, nn::LstmOp::Adaptor adaptor) {
  RecurrentLayer<nn::LstmOp> layer(builder, op, adaptor, 4);
  Value packed = layer.packGates(builder, 0, 4), projected = layer.project(builder, layer.sumBiases(builder));
  SmallVector<Value> initial{layer.getInitialState(builder, adaptor.getInitialHidden()),
                             layer.getInitialState(builder, adaptor.getInitialCell())};
  SmallVector<GateInput> peepholes;
  for (int64_t gate = 0; gate < 3 && adaptor.getPeephole(); ++gate)
    peepholes.push_back(layer.perUnit(layer.takeGates(builder, adaptor.getPeephole(), gate)));
  auto cellGates = [&](Builder &b, ValueRange x) {
    auto cell = x.back();
    auto gate = [&](unsigned number, Value state) -> Value {
      if (peepholes.empty())
        return x[number];
      return arith::AddFOp::create(b, x[number], arith::MulFOp::create(b, x[4 + number], state));
    };
    Value i = layer.activate(b, 0, gate(0, cell));
    Value one = arith::ConstantOp::create(b, b.getFloatAttr(i.getType(), 1));
    Value f = op.getInputForget() ? arith::SubFOp::create(b, one, i) : layer.activate(b, 0, gate(2, cell));
    Value kept = arith::MulFOp::create(b, f, cell);
    Value next = arith::AddFOp::create(b, kept, arith::MulFOp::create(b, i, layer.activate(b, 1, x[3])));
    next = clip(b, op.getCellClip(), next);
    Value o = layer.activate(b, 0, gate(1, next));
    return SmallVector<Value>{arith::MulFOp::create(b, o, layer.activate(b, 2, next, /*clipped=*/false)), next};
  };
  return layer.run(builder, projected, initial, [&](Builder &inner, Value given, ValueRange states, Value time) {
    Value sum = layer.addTo(inner, layer.multiply(inner, states[0], packed, 4), given);
    SmallVector<GateInput> inputs;
    for (int64_t gate = 0; gate < 4; ++gate)
      inputs.push_back(layer.whole(layer.takeGates(inner, sum, gate)));
    llvm::append_range(inputs, peepholes);
    return layer.update(inner, inputs, states, time, cellGates);
  });
}

namespace {

template <typename OpTy> struct LowerRecurrent : OpConversionPattern<OpTy> {
  using OpConversionPattern<OpTy>::OpConversionPattern;

  LogicalResult matchAndRewrite(OpTy op, typename OpTy::Adaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder builder(op.getLoc(), rewriter);
    rewriter.replaceOp(op, lower(builder, op, adaptor));
    return success();
  }
};

} // namespace

void populateRecurrentToLinalg(const StorageTypeConverter &types, RewritePatternSet &patterns) {
  patterns.add<LowerRecurrent<nn::RnnOp>, LowerRecurrent<nn::GruOp>, LowerRecurrent<nn::LstmOp>>(
      types, patterns.getContext());
}

} // namespace nnc
