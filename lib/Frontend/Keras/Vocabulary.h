// The list of tokens that StringLookup, IntegerLookup and TextVectorization look up.
#ifndef LIB_FRONTEND_KERAS_VOCABULARY_H
#define LIB_FRONTEND_KERAS_VOCABULARY_H

#include "lib/Frontend/Import/Expression.h"
#include "lib/Frontend/Keras/LayerTable.h"

namespace nnc::keras {

/// Tokens of strings, or of integers, and how places are given to them.
class Vocabulary {
public:
  /// Reads the parameters of the layer, and the list, which is among them or a file of the archive. Nullopt, with the
  /// layer rejected, where that fails. `maskToken` is that of layers that have no such parameter.
  static std::optional<Vocabulary> read(LayerBinder &layer, bool isText, std::optional<std::string> maskToken = {});

  bool isInverse() const { return inverse; }
  /// int, one_hot, multi_hot, count or tf_idf.
  llvm::StringRef getMode() const { return mode; }
  /// The places of tokens, i64; of those that do not count in a row of numbers -1. Null after a failure.
  frontend::Expression find(LayerBinder &layer, frontend::Expression tokens) const;
  /// The tokens at these places. Null after a failure.
  frontend::Expression choose(LayerBinder &layer, frontend::Expression places) const;
  /// What the layer gives for these places: themselves, or rows of numbers.
  llvm::LogicalResult encode(LayerBinder &layer, frontend::Expression places) const;

private:
  /// A token: its text, or its number.
  struct Token {
    std::string text;
    int64_t number = 0;
    bool operator==(const Token &other) const { return text == other.text && number == other.number; }
  };

  bool readTokens(LayerBinder &layer);
  std::optional<Token> readToken(LayerBinder &layer, const llvm::json::Value *value) const;
  bool readWeights(LayerBinder &layer, size_t given, bool hasSpecial);
  frontend::Expression findTokens(LayerBinder &layer, frontend::Expression x) const;
  frontend::Expression findBucket(LayerBinder &layer, frontend::Expression x) const;
  frontend::Expression equals(LayerBinder &layer, frontend::Expression x, const Token &token) const;
  int64_t getFirstUnknown() const { return mask && mode == "int" ? 1 : 0; }
  int64_t getFirstKnown() const { return getFirstUnknown() + numUnknown; }

  bool isText = true, inverse = false, hashesIntegers = false;
  std::string mode;
  std::vector<Token> tokens;
  std::optional<Token> mask, unknown;
  std::optional<std::pair<int64_t, int64_t>> salt;
  int64_t numUnknown = 1; ///< places of tokens that are not in the list
  int64_t maxTokens = 0;  ///< length of rows where they are padded, else 0
  std::vector<float> weights; ///< of tf_idf, for each place; empty: they are a weight of the layer
};

/// The weight of tf_idf, where it is not among the parameters.
void listVocabularyWeights(const Parameters &parameters, llvm::SmallVectorImpl<WeightSlot> &slots);

/// A hash of strings, or of numbers as strings, below `count`, i64.
frontend::Expression hashIntoBuckets(LayerBinder &layer, frontend::Expression x, int64_t count,
                                     std::optional<std::pair<int64_t, int64_t>> salt);
/// The parameter `salt`: two numbers, or one for both. Rejects the layer where it is something else.
std::optional<std::pair<int64_t, int64_t>> bindSalt(LayerBinder &layer);

} // namespace nnc::keras

#endif // LIB_FRONTEND_KERAS_VOCABULARY_H
