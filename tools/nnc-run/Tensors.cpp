// Comparison and summary of outputs.
#include "tools/nnc-run/Tensors.h"

#include "llvm/Support/Format.h"

#include <algorithm>
#include <cmath>
#include <cstring>

using namespace llvm;

namespace nnc {

static std::string describePosition(const HostTensor &tensor, int64_t position) {
  std::vector<int64_t> index(tensor.shape.size());
  for (size_t axis = index.size(); axis-- > 0; position /= tensor.shape[axis])
    index[axis] = position % tensor.shape[axis];
  return describeShape(index);
}

static bool compareStrings(const HostTensor &actual, const HostTensor &expected, raw_ostream &os) {
  int64_t wrong = 0, first = -1;
  for (int64_t i = 0, end = actual.getNumElements(); i < end; ++i)
    if (actual.getString(i) != expected.getString(i) && wrong++ == 0)
      first = i;
  if (!wrong) {
    os << "equal\n";
    return true;
  }
  os << wrong << " of " << actual.getNumElements() << " strings are wrong; first at " << describePosition(actual, first)
     << ": '" << actual.getString(first) << "', expected '" << expected.getString(first) << "'\n";
  return false;
}

bool compare(const HostTensor &actual, const HostTensor &expected, Tolerance tolerance, raw_ostream &os) {
  os << actual.name << ": ";
  if (actual.type != expected.type || actual.shape != expected.shape) {
    os << "is " << actual.describeType() << ", expected " << expected.describeType() << '\n';
    return false;
  }
  if (actual.getNumElements() == 0) {
    os << "equal, without elements\n";
    return true;
  }
  if (actual.type == NNC_STRING)
    return compareStrings(actual, expected, os);
  int64_t wrong = 0, worst = -1;
  double worstError = 0, worstExcess = 0;
  for (int64_t i = 0, end = actual.getNumElements(); i < end; ++i) {
    double error = getDistance(actual, expected, i), e = expected.getElement(i);
    if (error == 0)
      continue;
    double excess = error - tolerance.absolute - tolerance.relative * (std::isfinite(e) ? std::fabs(e) : 0);
    wrong += excess > 0;
    if (worst >= 0 && (excess > 0 ? excess <= worstExcess : error <= worstError))
      continue;
    worst = i;
    worstError = error;
    worstExcess = std::max(worstExcess, excess);
  }
  if (worst < 0) {
    os << "equal\n";
    return true;
  }
  if (wrong)
    os << wrong << " of " << actual.getNumElements() << " elements are wrong; ";
  os << format("largest error %.3g at ", worstError) << describePosition(actual, worst)
     << ": " << actual.describeElement(worst, 9) << ", expected " << expected.describeElement(worst, 9) << '\n';
  return wrong == 0;
}

void describePreprocessing(StringRef name, const nnc_preprocessing &preprocessing, raw_ostream &os) {
  auto list = [](const float *numbers, uint32_t count) {
    std::string text;
    for (float number : ArrayRef(numbers, count))
      raw_string_ostream(text) << (text.empty() ? "" : ", ") << format("%.6g", number);
    return count > 1 ? "[" + text + "]" : text;
  };
  StringRef order = preprocessing.channel_order;
  os << name << ": " << (preprocessing.is_applied ? "raw, normalised as (raw - " : "(raw - ")
     << (preprocessing.has_mean_image ? "a mean image" : list(preprocessing.mean, preprocessing.num_means)) << ") * "
     << list(preprocessing.scale, preprocessing.num_scales) << (order.empty() ? "" : ", ") << order << '\n';
}

/// Of one row with a number for each label.
static bool isClassification(const HostTensor &tensor, size_t numLabels) {
  return numLabels && !tensor.shape.empty() && tensor.getNumElements() == tensor.shape[0] * static_cast<int64_t>(numLabels);
}

/// Whether an element is below another one; of 64 bits as integers, which are more than a double tells apart.
static bool isLess(const HostTensor &tensor, int64_t one, int64_t other) {
  double a = tensor.getElement(one), b = tensor.getElement(other);
  if (a != b || (tensor.type != NNC_INT64 && tensor.type != NNC_UINT64))
    return a < b;
  uint64_t bits[2];
  std::memcpy(&bits[0], tensor.data.data() + one * sizeof(uint64_t), sizeof(uint64_t));
  std::memcpy(&bits[1], tensor.data.data() + other * sizeof(uint64_t), sizeof(uint64_t));
  return tensor.type == NNC_UINT64 ? bits[0] < bits[1] : static_cast<int64_t>(bits[0]) < static_cast<int64_t>(bits[1]);
}

void summarise(const HostTensor &tensor, ArrayRef<const char *> labels, raw_ostream &os) {
  int64_t count = tensor.getNumElements();
  os << tensor.name << ": " << tensor.describeType();
  if (count == 0) {
    os << '\n';
    return;
  }
  constexpr int64_t shown = 6;
  if (tensor.type == NNC_STRING) {
    os << ", [";
    for (int64_t i = 0; i < std::min(count, shown); ++i)
      os << (i ? ", '" : "'") << tensor.getString(i) << "'";
    os << (count > shown ? ", ...]\n" : "]\n");
    return;
  }
  double sum = 0;
  int64_t lowest = 0, highest = 0, notNumbers = 0;
  for (int64_t i = 0; i < count; ++i) {
    double value = tensor.getElement(i);
    sum += value;
    if (std::isnan(value)) {
      ++notNumbers;
      continue;
    }
    if (std::isnan(tensor.getElement(lowest)) || isLess(tensor, i, lowest))
      lowest = i;
    if (std::isnan(tensor.getElement(highest)) || isLess(tensor, highest, i))
      highest = i;
  }
  os << ", " << tensor.describeElement(lowest, 4) << " to " << tensor.describeElement(highest, 4) << " (largest at " << describePosition(tensor, highest);
  if (isClassification(tensor, labels.size()))
    os << ": " << labels[highest % labels.size()];
  os << format("), mean %.4g", sum / static_cast<double>(count));
  if (notNumbers)
    os << ", " << notNumbers << " NaN";
  os << ", [";
  for (int64_t i = 0; i < std::min(count, shown); ++i)
    os << (i ? ", " : "") << tensor.describeElement(i, 4);
  os << (count > shown ? ", ...]\n" : "]\n");
}

} // namespace nnc
