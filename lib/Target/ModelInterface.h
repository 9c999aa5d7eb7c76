// What a user of a compiled model sees: its name, and the names, element types
// and shapes of its inputs and outputs. The object, the header and the report
// are all written from this one description.
#ifndef LIB_TARGET_MODELINTERFACE_H
#define LIB_TARGET_MODELINTERFACE_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/BuiltinTypes.h"
#include "llvm/ADT/STLExtras.h"

#include <optional>
#include <string>
#include <vector>

namespace nnc {

/// How an input is made of raw numbers: (raw - mean) * scale.
struct InputPreprocessing {
  std::vector<float> mean, scale; ///< one for all channels, or one for each
  int64_t channelAxis = -1;       ///< the dimension of channels; -1 where there are none
  std::string channelOrder;       ///< "RGB", "BGR", "gray" or empty
  bool hasMeanImage = false;      ///< `mean` counts for nothing: each element has its own
  bool isApplied = false;         ///< the model does it: the input is raw
};

/// What integers stand for: (integer - zero point) * scale.
struct QuantizedNumbers {
  float scale = 1;
  int64_t zeroPoint = 0;
};

/// One input or output.
struct TensorInterface {
  std::string name;                 ///< as in the source model
  std::string identifier;           ///< the C identifier made of it, unique in the model
  mlir::Type elementType;           ///< of the source: i1 is bool, uiN unsigned, iN signed, index a string
  int64_t pointerBytes = 8;         ///< of the target
  std::vector<int64_t> shape;       ///< ShapedType::kDynamic where the extent is a run-time value
  std::vector<unsigned> extentOf;   ///< per dynamic dimension, in order: its place in `extents` or `outputExtents`
  /// Of an output of which data decide extents: per dynamic dimension the most that it can be, ShapedType::kDynamic
  /// where that follows from the inputs' extents; else empty.
  std::vector<int64_t> bounds;

  std::optional<unsigned> next;         ///< of an input that is a state: the place of the output that is the next one
  mlir::DenseElementsAttr initial = {}; ///< that state before the first run; null: zeros
  std::optional<InputPreprocessing> preprocessing; ///< of an input, where the model says so
  std::optional<QuantizedNumbers> quantization;    ///< of integers, where the model says so
  std::vector<std::string> labels;                 ///< of an output: the names of its classes, where the model has them

  bool hasSizeValues = false; ///< of an input: the functions about extents take its values
  bool decidesSizes = false;  ///< of an input: sizes are made of its values

  int64_t getRank() const { return shape.size(); }
  bool isStatic() const;
  /// The largest shape that it can have, where that is known before any extent is; else nullopt.
  std::optional<std::vector<int64_t>> getLargestShape() const;
  /// Elements; of a static shape only.
  int64_t getNumElements() const;
  /// Bytes of one element in memory; 1 where several share a byte.
  int64_t getElementBytes() const;
  bool isStrings() const { return elementType.isIndex(); }
  /// Elements of less than a byte, packed.
  bool isPacked() const;
  /// Bytes of all elements; of a static shape only.
  int64_t getBytes() const;
  /// The type's name in C ("float", "uint8_t", "const char *"; f16 and bf16 travel as uint16_t).
  std::string getCType() const;
  /// The type's name for people and the report ("f32", "u8", "bool", "string").
  std::string getTypeName() const;
};

/// The whole model.
struct ModelInterface {
  std::string name;                       ///< prefix of every symbol; a C identifier
  std::vector<TensorInterface> inputs;
  std::vector<TensorInterface> outputs;
  std::vector<std::string> extents;       ///< names of the distinct symbolic extents of the inputs, C identifiers
  std::vector<std::string> outputExtents; ///< one per dynamic dimension of the outputs, "<output>_<dimension>"
  /// What they are, written with `extents`; empty where that is not known, or long. As long as `outputExtents`, or empty.
  std::vector<std::string> outputFormulas;
  bool threads = false;                   ///< the entry takes a parallel-for callback
  bool externalWeights = false;           ///< the entry takes the weights
  std::optional<int64_t> macs;            ///< multiply-adds of one run; nullopt where not known

  bool reportsExtents = false; ///< data decide output extents: the entry stores what they are

  /// Whether the entry takes extents.
  bool takesExtents() const {
    return !extents.empty() || (!outputExtents.empty() && !reportsExtents && !hasSizeInputs());
  }
  /// Whether sizes are made of values of inputs.
  bool hasSizeInputs() const {
    return llvm::any_of(inputs, [](const TensorInterface &input) { return input.decidesSizes; });
  }
  /// Whether the workspace's size is known only at run time.
  bool isDynamic() const { return takesExtents() || hasSizeInputs(); }

  /// Reads the interface of @main from its types and attributes; works from
  /// `import` to the last stage at which @main is a `func.func`. `name` overrides
  /// the module's `nn.model`.
  static llvm::FailureOr<ModelInterface> get(mlir::ModuleOp module, llvm::StringRef name = "");

  /// Adds what is known from the stage `arena` on: bounds of extents that data decide, which inputs' values sizes are
  /// made of, extents that turned out to be constants, how extents of outputs follow from those of inputs, and the target's
  /// pointers.
  void addBounds(mlir::ModuleOp module);
};

/// Records the source's element types on @main's arguments and results
/// (`nn.element_type`), so that they outlive the change to storage types. Call it
/// before convert-nn-to-linalg.
void recordElementTypes(mlir::ModuleOp module);

/// `text` with every character that C does not allow in an identifier replaced.
std::string makeIdentifier(llvm::StringRef text);

} // namespace nnc

#endif // LIB_TARGET_MODELINTERFACE_H
