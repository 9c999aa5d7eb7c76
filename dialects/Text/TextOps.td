//===- TextOps.td - operations on tensors of strings ------------------------===//
//
// Beside the NN dialect, whose operations that move elements take strings too.
//
//===----------------------------------------------------------------------===//

#ifndef DIALECTS_TEXT_TEXTOPS_TD
#define DIALECTS_TEXT_TEXTOPS_TD

include "mlir/IR/OpBase.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Text_Dialect : Dialect {
  let name = "text";
  let cppNamespace = "::nnc::text";
  let summary = "Operations on tensors of strings";
  let description = [{
    The element type `index` stands for a string, in the operands and results of
    the NN dialect as well: the address of bytes that end with a zero, in UTF-8.
    Nothing writes to them. Strings that an operation makes lie in the
    workspace until the end of the run.
  }];
  let dependentDialects = ["::nnc::nn::NNDialect"];
}

class Text_Op<string mnemonic, list<Trait> traits = []>
    : Op<Text_Dialect, mnemonic, !listconcat(traits, [
        Pure,
        InferTypeOpAdaptorBase<[{
          static bool isCompatibleReturnTypes(::mlir::TypeRange inferred, ::mlir::TypeRange actual) {
            return ::nnc::nn::areCompatible(inferred, actual);
          }
        }]>])>;

def Text_Elementwise : NativeOpTrait<"ElementwiseTrait"> { let cppNamespace = "::nnc::nn"; }
def Text_Strings : RankedTensorOf<[Index]>;
def Text_Numbers : RankedTensorOf<[AnyFloat, AnySignlessInteger, AnyUnsignedInteger]>;
def Text_Booleans : RankedTensorOf<[I1]>;
def Text_Places : RankedTensorOf<[I64]>;

/// An element of the result from the strings at the same (broadcast) position.
class Text_ElementwiseOp<string mnemonic, string text, dag operands, Type result, string resultElement>
    : Text_Op<mnemonic, [Text_Elementwise]> {
  let summary = text;
  let arguments = operands;
  let results = (outs result:$result);
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
  let extraClassDefinition = [{
    ::llvm::LogicalResult $cppClass::inferReturnTypes(::mlir::MLIRContext *context,
        std::optional<::mlir::Location> location, Adaptor adaptor, ::llvm::SmallVectorImpl<::mlir::Type> &types) {
      return ::nnc::nn::inferBroadcast(location, adaptor.getOperands(), }] # resultElement # [{, types);
    }
  }];
}

//===----------------------------------------------------------------------===//
// Constants
//===----------------------------------------------------------------------===//

def Text_ConstantOp : Text_Op<"constant"> {
  let summary = "strings that the model has, row-major";
  let arguments = (ins StrArrayAttr:$strings, DenseI64ArrayAttr:$shape);
  let results = (outs Text_Strings:$result);
  let assemblyFormat = "$strings `,` $shape attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def Text_ChooseOp : Text_ElementwiseOp<"choose", "the string of a list that is at each place",
    (ins Text_Places:$places, StrArrayAttr:$strings), Text_Strings, "::mlir::IndexType::get(context)"> {
  let description = "The places are within the list; what others give is not defined.";
}

//===----------------------------------------------------------------------===//
// Tests
//===----------------------------------------------------------------------===//

def Text_EqualOp : Text_ElementwiseOp<"equal", "whether two strings have the same bytes",
    (ins Text_Strings:$lhs, Text_Strings:$rhs), Text_Booleans, "::mlir::IntegerType::get(context, 1)">;

def Text_FindOp : Text_ElementwiseOp<"find", "the place of a string in a list, -1 where it is not there",
    (ins Text_Strings:$input, StrArrayAttr:$keys), Text_Places, "::mlir::IntegerType::get(context, 64)"> {
  let description = "`keys` differ and ascend by their bytes.";
  let hasVerifier = 1;
}

def Text_MatchOp : Text_ElementwiseOp<"match", "whether an automaton accepts all bytes of a string",
    (ins Text_Strings:$input, DenseI32ArrayAttr:$classes, DenseI32ArrayAttr:$transitions, I32Attr:$start),
    Text_Booleans, "::mlir::IntegerType::get(context, 1)"> {
  let description = [{
    `classes` has the class of each of the 256 bytes; the zero at the end has one
    of its own. `transitions` has for each state the next one for each class;
    for that of the end 1 (accepted) or 0. State 0 accepts nothing.
  }];
  let hasVerifier = 1;
}

def Text_HashOp : Text_ElementwiseOp<"hash", "a hash of all bytes, 64 bits",
    (ins Text_Strings:$input, OptionalAttr<DenseI64ArrayAttr>:$key), Text_Places,
    "::mlir::IntegerType::get(context, 64)"> {
  let description = [{
    FarmHash's Fingerprint64; with `key`, two numbers, SipHash-2-4; with `key`,
    one number, MurmurHash3_x86_32 of that seed, in the lower 32 bits.
  }];
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Strings made at run time
//===----------------------------------------------------------------------===//

def Text_ConcatOp : Text_ElementwiseOp<"concat", "two strings, one behind the other",
    (ins Text_Strings:$lhs, Text_Strings:$rhs), Text_Strings, "::mlir::IndexType::get(context)">;

def Text_ChangeCaseOp : Text_ElementwiseOp<"change_case", "a string in capitals (`upper`) or small letters",
    (ins Text_Strings:$input, UnitAttr:$upper, UnitAttr:$ascii), Text_Strings, "::mlir::IndexType::get(context)"> {
  let description = [{
    Each code point by Unicode's simple mapping; bytes that are not UTF-8 stay.
    With `ascii` only letters from A to Z change.
  }];
}

def Text_RemoveOp : Text_ElementwiseOp<"remove", "a string without the characters of a set",
    (ins Text_Strings:$input, StrAttr:$characters), Text_Strings, "::mlir::IndexType::get(context)"> {
  let description = "`characters` are of ASCII.";
  let hasVerifier = 1;
}

def Text_FormatOp : Text_ElementwiseOp<"format", "a number as a string",
    (ins Text_Numbers:$input), Text_Strings, "::mlir::IndexType::get(context)"> {
  let description = [{
    Integers and booleans (0, 1) in decimal; floats with at most 8 significant
    digits as C's `%.8g`, `NaN`, `INF` and `-INF`.
  }];
}

def Text_ParseOp : Text_ElementwiseOp<"parse", "the number that a string starts with",
    (ins Text_Strings:$input, TypeAttr:$to), Text_Numbers, "adaptor.getTo()"> {
  let description = [{
    White space may be before it. What is no number, or not of type `to` (f32, f64,
    i64 or ui64), ends the run with an error. Floats round to nearest.
  }];
}

def Text_SplitOp : Text_Op<"split"> {
  let summary = "the pieces of strings between delimiters";
  let description = [{
    With an empty delimiter, between stretches of white space, of which those at
    both ends do not count; where there are `words`, characters of ASCII, between
    stretches of all others; with `characters` between any two code points. After
    `max_splits` splits (-1: no limit) the rest is the last piece. `pieces` has
    one more axis than `input`, as long as the largest of `counts`; empty strings
    fill it up. `most`, where it is not 0, is how many pieces there is room for.
  }];
  let arguments = (ins Text_Strings:$input, StrAttr:$delimiter, I64Attr:$max_splits,
                       DefaultValuedAttr<I64Attr, "0">:$most, UnitAttr:$characters,
                       DefaultValuedStrAttr<StrAttr, "">:$words);
  let results = (outs Text_Strings:$pieces, Text_Places:$counts);
  let hasVerifier = 1;
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
}

#endif // DIALECTS_TEXT_TEXTOPS_TD
