// Lets functions marked `nn.parallel_for` ask the caller's parallel-for callback.
//
// Expects the LLVM dialect. Such a function has as arguments a pointer to an
// nnc_parallel (see nnc/Runtime.h), what the loop uses, and the number of tasks,
// and calls a task for each in turn. Where the pointer is not null, and there are several tasks, it now stores
// what the loop uses in a struct on the stack and calls the callback with it; the
// callback's body unpacks the struct and calls the task.
#include "lib/Transforms/Passes.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;

namespace nnc {

#define GEN_PASS_DEF_EMITPARALLELCALLS
#include "lib/Transforms/Passes.h.inc"

static Value getField(OpBuilder &builder, Location loc, Type type, Value address, int32_t number) {
  return LLVM::GEPOp::create(builder, loc, address.getType(), type, address, ArrayRef<LLVM::GEPArg>{0, number});
}

/// void body(void *arg, size_t task): unpacks `environment` and calls what `call` calls.
static LLVM::LLVMFuncOp createBody(LLVM::LLVMFuncOp function, LLVM::CallOp call, LLVM::LLVMStructType environment) {
  OpBuilder builder(function);
  Location loc = function.getLoc();
  Type pointer = LLVM::LLVMPointerType::get(builder.getContext());
  Type index = function.getArgumentTypes().back();
  auto type = LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(builder.getContext()), {pointer, index});
  auto body = LLVM::LLVMFuncOp::create(builder, loc, (function.getName() + "_body").str(), type, LLVM::Linkage::Internal);
  builder.setInsertionPointToStart(body.addEntryBlock(builder));
  SmallVector<Value> arguments;
  for (auto [i, field] : llvm::enumerate(environment.getBody()))
    arguments.push_back(
        LLVM::LoadOp::create(builder, loc, field, getField(builder, loc, environment, body.getArgument(0), i)));
  arguments.push_back(body.getArgument(1));
  LLVM::CallOp::create(builder, loc, TypeRange(), call.getCalleeAttr(), arguments);
  LLVM::ReturnOp::create(builder, loc, ValueRange());
  return body;
}

static LogicalResult emitCall(LLVM::LLVMFuncOp function) {
  LLVM::CallOp call;
  function.walk([&](LLVM::CallOp op) { call = op; });
  unsigned count = function.getNumArguments();
  if (!call || count < 2)
    return function.emitError("is marked as a parallel loop but calls no task");
  MLIRContext *context = function.getContext();
  SmallVector<Type> types(function.getArgumentTypes().begin() + 1, function.getArgumentTypes().end() - 1);
  auto environment = LLVM::LLVMStructType::getLiteral(context, types);
  LLVM::LLVMFuncOp body = createBody(function, call, environment);

  Block *entry = &function.getBody().front(), *sequential = entry->splitBlock(entry->begin());
  auto *parallel = new Block();
  function.getBody().getBlocks().insertAfter(Region::iterator(entry), parallel);
  Location loc = function.getLoc();
  OpBuilder builder = OpBuilder::atBlockEnd(entry);
  Type pointer = LLVM::LLVMPointerType::get(context);
  Value callback = function.getArgument(0);
  Value one = LLVM::ConstantOp::create(builder, loc, builder.getI32Type(), 1);
  Value memory = LLVM::AllocaOp::create(builder, loc, pointer, environment, one);
  Value null = LLVM::ZeroOp::create(builder, loc, pointer);
  Value isNull = LLVM::ICmpOp::create(builder, loc, LLVM::ICmpPredicate::eq, callback, null);
  Value two = LLVM::ConstantOp::create(builder, loc, function.getArgumentTypes().back(), 2);
  Value isSingle = LLVM::ICmpOp::create(builder, loc, LLVM::ICmpPredicate::ult, function.getArgument(count - 1), two);
  Value stays = LLVM::OrOp::create(builder, loc, isNull, isSingle);
  LLVM::CondBrOp::create(builder, loc, stays, sequential, parallel);

  builder.setInsertionPointToStart(parallel);
  for (unsigned i = 0; i < types.size(); ++i)
    LLVM::StoreOp::create(builder, loc, function.getArgument(i + 1), getField(builder, loc, environment, memory, i));
  auto interface = LLVM::LLVMStructType::getLiteral(context, {pointer, pointer}); // nnc_parallel
  Value run = LLVM::LoadOp::create(builder, loc, pointer, getField(builder, loc, interface, callback, 0));
  Value itsContext = LLVM::LoadOp::create(builder, loc, pointer, getField(builder, loc, interface, callback, 1));
  Value address = LLVM::AddressOfOp::create(builder, loc, body);
  auto type = LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(context),
                                          {pointer, function.getArgumentTypes().back(), pointer, pointer});
  LLVM::CallOp::create(builder, loc, type,
                       ValueRange{run, itsContext, function.getArgument(count - 1), address, memory});
  LLVM::ReturnOp::create(builder, loc, ValueRange());
  function->removeAttr("nn.parallel_for");
  return success();
}

namespace {

struct EmitParallelCallsPass : public impl::EmitParallelCallsBase<EmitParallelCallsPass> {
  void runOnOperation() override {
    SmallVector<LLVM::LLVMFuncOp> functions;
    for (auto function : getOperation().getOps<LLVM::LLVMFuncOp>())
      if (function->hasAttr("nn.parallel_for"))
        functions.push_back(function);
    for (LLVM::LLVMFuncOp function : functions)
      if (failed(emitCall(function)))
        return signalPassFailure();
  }
};

} // namespace
} // namespace nnc
