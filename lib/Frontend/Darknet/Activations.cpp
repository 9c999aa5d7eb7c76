// Darknet's activations, and the section [activation].
#include "lib/Frontend/Darknet/SectionTable.h"

using namespace mlir;

namespace nnc::darknet {

using Build = Value (*)(SectionBinder &, Value);

static Value compare(SectionBinder &layer, Value x, double limit, nn::ComparePredicate predicate) {
  return layer.create<nn::CompareOp>(x, layer.number(limit), predicate);
}

static Value multiply(SectionBinder &layer, Value x, double by) {
  return layer.create<nn::MulOp>(x, layer.number(by));
}

static Value add(SectionBinder &layer, Value x, double summand) {
  return layer.create<nn::AddOp>(x, layer.number(summand));
}

/// x below `low` and above `high` with a small slope.
static Value select(SectionBinder &layer, Value x, double low, Value below, double high, Value above, Value between) {
  Value isBelow = compare(layer, x, low, nn::ComparePredicate::Less);
  Value isAbove = compare(layer, x, high, nn::ComparePredicate::Greater);
  return layer.create<nn::WhereOp>(isBelow, below, layer.create<nn::WhereOp>(isAbove, above, between));
}

static Value buildLoggy(SectionBinder &layer, Value x) {
  return add(layer, multiply(layer, layer.create<nn::SigmoidOp>(x), 2), -1);
}

/// x * (x > 0) + 0.1 * x
static Value buildRamp(SectionBinder &layer, Value x) {
  return layer.create<nn::AddOp>(layer.create<nn::ReluOp>(x), multiply(layer, x, 0.1));
}

static Value buildPlse(SectionBinder &layer, Value x) {
  return select(layer, x, -4, multiply(layer, add(layer, x, 4), 0.01), 4,
                add(layer, multiply(layer, add(layer, x, -4), 0.01), 1), add(layer, multiply(layer, x, 0.125), 0.5));
}

static Value buildLhtan(SectionBinder &layer, Value x) {
  return select(layer, x, 0, multiply(layer, x, 0.001), 1, add(layer, multiply(layer, add(layer, x, -1), 0.001), 1), x);
}

/// floor(x / 2), plus the fraction of x where floor(x) is odd
static Value buildStair(SectionBinder &layer, Value x) {
  Value whole = layer.create<nn::FloorOp>(x);
  Value half = layer.create<nn::FloorOp>(multiply(layer, x, 0.5));
  Value isOdd = layer.create<nn::SubOp>(whole, multiply(layer, half, 2));
  Value fraction = layer.create<nn::SubOp>(x, whole);
  return layer.create<nn::AddOp>(half, layer.create<nn::MulOp>(isOdd, fraction));
}

static Value buildHardtan(SectionBinder &layer, Value x) {
  return layer.create<nn::ClipOp>(x, layer.number(-1), layer.number(1));
}

/// x where x > 0, x * x / 2 + x where x > -2, else 0
static Value buildHardMish(SectionBinder &layer, Value x) {
  Value square = layer.create<nn::AddOp>(multiply(layer, layer.create<nn::MulOp>(x, x), 0.5), x);
  return select(layer, x, -2, layer.number(0), 0, x, square);
}

static Value buildLinear(SectionBinder &, Value x) { return x; }

template <typename OpTy> static Value buildUnary(SectionBinder &layer, Value x) { return layer.create<OpTy>(x); }

static Value buildLeaky(SectionBinder &layer, Value x) { return layer.create<nn::LeakyReluOp>(x, APFloat(0.1f)); }

static Value buildRelie(SectionBinder &layer, Value x) { return layer.create<nn::LeakyReluOp>(x, APFloat(0.01f)); }

static Value buildElu(SectionBinder &layer, Value x) { return layer.create<nn::EluOp>(x, APFloat(1.0f)); }

static Value buildSelu(SectionBinder &layer, Value x) {
  return layer.create<nn::SeluOp>(x, APFloat(1.6732f), APFloat(1.0507f));
}

static Value buildGelu(SectionBinder &layer, Value x) { return layer.create<nn::GeluOp>(x, nn::GeluForm::Tanh); }

static Value buildSwish(SectionBinder &layer, Value x) { return layer.create<nn::SiluOp>(x, APFloat(1.0f)); }

/// Per position: w / (1e-4 + sum of w over the channels), where w is made of x by `weigh`.
template <typename Weigh> static Value normalizeChannels(SectionBinder &layer, Value x, Weigh weigh) {
  if (layer.getRank(x) != 4) {
    (void)layer.reject("activations over channels need an image");
    return {};
  }
  auto reduce = [&](Value value, nn::ReductionKind kind) {
    return layer.create<nn::ReduceOp>(value, kind, ArrayRef<int64_t>{1}, /*keepdims=*/true);
  };
  Value weights = weigh(reduce);
  return layer.create<nn::DivOp>(weights, add(layer, reduce(weights, nn::ReductionKind::Sum), 1e-4));
}

static Value buildNormalize(SectionBinder &layer, Value x) {
  return normalizeChannels(layer, x, [&](auto) { return layer.create<nn::ReluOp>(x); });
}

static Value buildNormalizeSoftmax(SectionBinder &layer, Value x) {
  return normalizeChannels(layer, x, [&](auto) { return layer.create<nn::ExpOp>(x); });
}

static Value buildNormalizeSoftmaxMax(SectionBinder &layer, Value x) {
  return normalizeChannels(layer, x, [&](auto reduce) {
    return layer.create<nn::ExpOp>(layer.create<nn::SubOp>(x, reduce(x, nn::ReductionKind::Max)));
  });
}

namespace {

enum class Known { Both, AlexeyAB, AlexeyABImages };

struct ActivationEntry {
  StringRef name;
  Build build;
  Known known;
};

} // namespace

static const ActivationEntry table[] = {
    {"elu", buildElu, Known::Both},
    {"gelu", buildGelu, Known::AlexeyAB},
    {"hard_mish", buildHardMish, Known::AlexeyABImages},
    {"hardtan", buildHardtan, Known::Both},
    {"leaky", buildLeaky, Known::Both},
    {"lhtan", buildLhtan, Known::Both},
    {"linear", buildLinear, Known::Both},
    {"loggy", buildLoggy, Known::Both},
    {"logistic", buildUnary<nn::SigmoidOp>, Known::Both},
    {"mish", buildUnary<nn::MishOp>, Known::AlexeyABImages},
    {"normalize_channels", buildNormalize, Known::AlexeyABImages},
    {"normalize_channels_softmax", buildNormalizeSoftmax, Known::AlexeyABImages},
    {"normalize_channels_softmax_maxval", buildNormalizeSoftmaxMax, Known::AlexeyABImages},
    {"plse", buildPlse, Known::Both},
    {"ramp", buildRamp, Known::Both},
    {"relie", buildRelie, Known::Both},
    {"relu", buildUnary<nn::ReluOp>, Known::Both},
    {"revleaky", buildLeaky, Known::AlexeyAB},
    {"selu", buildSelu, Known::Both},
    {"stair", buildStair, Known::Both},
    {"swish", buildSwish, Known::AlexeyABImages},
    {"tanh", buildUnary<nn::TanhOp>, Known::Both},
};

Value activate(SectionBinder &layer, Value x, StringRef name, bool isImage) {
  if (layer.failed())
    return {};
  if (name == "relu6" && layer.isAlexeyAB()) {
    (void)layer.reject("relu6 computes nothing but zeros on darknet's CPU path, and something else on its GPU path");
    return {};
  }
  for (const ActivationEntry &entry : table) {
    if (entry.name != name || (entry.known != Known::Both && !layer.isAlexeyAB()))
      continue;
    if (entry.known == Known::AlexeyABImages && !isImage) {
      (void)layer.reject("activation " + name + " computes nothing but zeros in this layer on darknet's CPU path");
      return {};
    }
    return entry.build(layer, x);
  }
  bool isOfFork = llvm::any_of(table, [&](const ActivationEntry &entry) { return entry.name == name; });
  layer.warn(name, "activation '" + name + "' is not known" + (isOfFork ? " to pjreddie's fork" : "") +
                       ": relu is taken, as darknet does");
  return layer.create<nn::ReluOp>(x);
}

static LogicalResult importActivation(SectionBinder &layer) {
  const Layer &before = layer.previous();
  Value x = activate(layer, before.value, layer.get().text("activation", "linear"), /*isImage=*/false);
  return layer.result(x, before.isVector);
}

static LogicalResult importLogistic(SectionBinder &layer) {
  return layer.result(layer.create<nn::SigmoidOp>(layer.previous().value), layer.previous().isVector);
}

static const SectionEntry sections[] = {{"activation", importActivation}, {"logistic", importLogistic}};

ArrayRef<SectionEntry> getActivationSections() { return sections; }

} // namespace nnc::darknet
