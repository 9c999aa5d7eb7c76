// Reads the three tables. The database is hostile: SQLite gets it as read-only memory, checks its structure first, may run
// no function, view or trigger of its schema, and has limits on time and memory.
#include "lib/Frontend/Ccv/Network.h"

#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Endian.h"

#include <cmath>
#include <sqlite3.h>

using namespace llvm;

namespace nnc::ccv {

static constexpr StringRef signature("SQLite format 3", 16); // with the 0 behind
/// More layers are refused: libccv's own networks have some 30.
static constexpr size_t maxLayers = 4096;
static constexpr int64_t maxNumber = int64_t{1} << 30;
/// Instructions of SQLite's virtual machine between two looks, and the number of looks before the file is given up.
static constexpr int lookEvery = 1000, maxLooks = 20000;
/// What SQLite may allocate beyond a copy of the file's largest value.
static constexpr int64_t workingBytes = int64_t{64} << 20;

bool isDatabase(StringRef content) { return content.starts_with(signature); }

namespace {

class Database {
public:
  ~Database() { sqlite3_close(handle); }

  Error open(StringRef content);
  /// Calls `read` with each row of the statement.
  Error forEachRow(StringRef sql, function_ref<Error(sqlite3_stmt *)> read);
  /// From now on only the columns of tables may be read.
  void restrictToTables() { sqlite3_set_authorizer(handle, authorize, nullptr); }

private:
  static int authorize(void *, int action, const char *, const char *, const char *, const char *view);
  static int look(void *looks) { return ++*static_cast<int *>(looks) > maxLooks; }
  Error fail(const Twine &what) { return createStringError(what + ": " + StringRef(sqlite3_errmsg(handle))); }

  sqlite3 *handle = nullptr;
  int looks = 0;
};

} // namespace

int Database::authorize(void *, int action, const char *, const char *, const char *, const char *view) {
  return !view && (action == SQLITE_SELECT || action == SQLITE_READ) ? SQLITE_OK : SQLITE_DENY;
}

/// Whether the pages that the header counts are more than the file has; SQLite itself reads what is left of them.
static bool isCutOff(StringRef content) {
  static constexpr size_t pageSizeAt = 16, changesAt = 24, numPagesAt = 28, countedAt = 92, headerBytes = 100;
  if (content.size() < headerBytes)
    return true;
  auto read32 = [&](size_t at) { return support::endian::read32be(content.data() + at); };
  uint64_t pageSize = support::endian::read16be(content.data() + pageSizeAt);
  if (pageSize == 1)
    pageSize = 65536;
  // Old versions of SQLite changed the file without counting.
  return read32(changesAt) == read32(countedAt) && read32(numPagesAt) * pageSize > content.size();
}

Error Database::open(StringRef content) {
  sqlite3_hard_heap_limit64(2 * static_cast<int64_t>(content.size()) + workingBytes);
  if (sqlite3_open_v2(":memory:", &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr) != SQLITE_OK)
    return createStringError("SQLite cannot be started");
  sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  for (int option : {SQLITE_DBCONFIG_TRUSTED_SCHEMA, SQLITE_DBCONFIG_ENABLE_TRIGGER, SQLITE_DBCONFIG_ENABLE_VIEW,
                     SQLITE_DBCONFIG_ENABLE_FKEY, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, SQLITE_DBCONFIG_WRITABLE_SCHEMA,
                     SQLITE_DBCONFIG_DQS_DDL, SQLITE_DBCONFIG_DQS_DML})
    sqlite3_db_config(handle, option, 0, nullptr);
  const std::pair<int, int> limits[] = {
      {SQLITE_LIMIT_LENGTH, static_cast<int>(std::min<size_t>(content.size(), 1000000000))},
      {SQLITE_LIMIT_SQL_LENGTH, 100000}, {SQLITE_LIMIT_COLUMN, 100},      {SQLITE_LIMIT_EXPR_DEPTH, 20},
      {SQLITE_LIMIT_COMPOUND_SELECT, 3}, {SQLITE_LIMIT_VDBE_OP, 25000},   {SQLITE_LIMIT_FUNCTION_ARG, 8},
      {SQLITE_LIMIT_ATTACHED, 0},        {SQLITE_LIMIT_TRIGGER_DEPTH, 1}, {SQLITE_LIMIT_WORKER_THREADS, 0},
      {SQLITE_LIMIT_VARIABLE_NUMBER, 1}, {SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 50}};
  for (auto [limit, value] : limits)
    sqlite3_limit(handle, limit, value);
  sqlite3_progress_handler(handle, lookEvery, look, &looks);
  if (isCutOff(content))
    return createStringError("the database ends before its last page: the file was cut off");
  auto *bytes = reinterpret_cast<unsigned char *>(const_cast<char *>(content.data())); // read only, as the flag says
  if (sqlite3_deserialize(handle, "main", bytes, content.size(), content.size(), SQLITE_DESERIALIZE_READONLY) != SQLITE_OK)
    return fail("not a database that SQLite can open");
  if (Error error = forEachRow("PRAGMA cell_size_check = ON", [](sqlite3_stmt *) { return Error::success(); }))
    return error;
  return forEachRow("PRAGMA quick_check(1)", [](sqlite3_stmt *row) -> Error {
    StringRef verdict(reinterpret_cast<const char *>(sqlite3_column_text(row, 0)), sqlite3_column_bytes(row, 0));
    if (verdict == "ok")
      return Error::success();
    verdict.consume_front("*** in database main ***\n");
    return createStringError("the database is damaged: " + verdict.take_until([](char c) { return c == '\n'; }));
  });
}

Error Database::forEachRow(StringRef sql, function_ref<Error(sqlite3_stmt *)> read) {
  sqlite3_stmt *statement = nullptr;
  llvm::scope_exit finalize([&] { sqlite3_finalize(statement); });
  if (sqlite3_prepare_v2(handle, sql.data(), sql.size(), &statement, nullptr) != SQLITE_OK)
    return fail("not a network of libccv");
  for (;;) {
    int code = sqlite3_step(statement);
    if (code == SQLITE_DONE)
      return Error::success();
    if (code == SQLITE_INTERRUPT)
      return createStringError("the database takes too long to read");
    if (code != SQLITE_ROW)
      return fail("the database cannot be read");
    if (Error error = read(statement))
      return error;
  }
}

namespace {

/// The columns of a row, one after the other. One that does not fit is 0, or null, and `takeError` says so.
class Row {
public:
  explicit Row(sqlite3_stmt *row) : row(row) {}

  int64_t number() {
    int64_t value = isNull() ? 0 : sqlite3_column_int64(row, column);
    if ((!isNull() && sqlite3_column_type(row, column) != SQLITE_INTEGER) || value < 0 || value > maxNumber) {
      refuse("is not a number from 0 to 2^30");
      value = 0;
    }
    ++column;
    return value;
  }
  double real() {
    int type = sqlite3_column_type(row, column);
    double value = isNull() ? 0 : sqlite3_column_double(row, column);
    if ((!isNull() && type != SQLITE_INTEGER && type != SQLITE_FLOAT) || !std::isfinite(value)) {
      refuse("is not a number");
      value = 0;
    }
    ++column;
    return value;
  }
  std::shared_ptr<std::string> bytes() {
    std::shared_ptr<std::string> value;
    if (sqlite3_column_type(row, column) == SQLITE_BLOB) {
      auto *data = static_cast<const char *>(sqlite3_column_blob(row, column));
      value = std::make_shared<std::string>(data ? data : "", sqlite3_column_bytes(row, column));
    } else if (!isNull()) {
      refuse("is not a blob");
    }
    ++column;
    return value;
  }
  Error takeError() const { return reason.empty() ? Error::success() : createStringError(reason); }

private:
  bool isNull() { return sqlite3_column_type(row, column) == SQLITE_NULL; }
  void refuse(StringRef what) {
    if (reason.empty())
      reason = (Twine("the column ") + sqlite3_column_name(row, column) + " " + what).str();
  }

  sqlite3_stmt *row;
  int column = 0;
  std::string reason;
};

} // namespace

static Error readLayer(sqlite3_stmt *statement, std::vector<Layer> &layers) {
  Row row(statement);
  int64_t number = row.number();
  Layer layer;
  for (int64_t *place : {&layer.type, &layer.rows, &layer.columns, &layer.channels, &layer.partition, &layer.nodes,
                         &layer.windowRows, &layer.windowColumns, &layer.count, &layer.strides, &layer.border, &layer.size})
    *place = row.number();
  for (double *place : {&layer.kappa, &layer.alpha, &layer.beta})
    *place = row.real();
  layer.hasRelu = row.number() != 0;
  if (Error error = row.takeError())
    return error;
  // In the order of the table's key; sorting would be another copy for the file to inflate.
  if (number != static_cast<int64_t>(layers.size()))
    return createStringError("the layers are not numbered 0, 1, 2 ...");
  if (number >= static_cast<int64_t>(maxLayers))
    return createStringError("more than " + Twine(maxLayers) + " layers");
  layers.push_back(std::move(layer));
  return Error::success();
}

static Error readWeights(sqlite3_stmt *statement, std::vector<Layer> &layers) {
  Row row(statement);
  int64_t number = row.number();
  if (Error error = row.takeError())
    return error;
  if (number >= static_cast<int64_t>(layers.size()))
    return createStringError("the table layer_data has weights of layer " + Twine(number) + ", which is not there");
  Layer &layer = layers[number];
  if (layer.weights || layer.bias)
    return createStringError("the table layer_data has two rows for layer " + Twine(number));
  layer.weights = row.bytes();
  layer.bias = row.bytes();
  layer.isHalf = row.number() != 0;
  return row.takeError();
}

static Error readMean(sqlite3_stmt *statement, Network &network) {
  Row row(statement);
  if (row.number() == 0) { // the number of the network; ccv_convnet_write has one
    network.inputRows = row.number();
    network.inputColumns = row.number();
    network.mean = row.bytes();
  }
  return row.takeError();
}

Expected<Network> readNetwork(StringRef content) {
  Database database;
  if (Error error = database.open(content))
    return std::move(error);
  database.restrictToTables();
  Network network;
  Error error = database.forEachRow(
      "SELECT layer, type, input_matrix_rows, input_matrix_cols, input_matrix_channels, input_matrix_partition, "
      "input_node_count, output_rows, output_cols, output_count, output_strides, output_border, output_size, "
      "output_kappa, output_alpha, output_beta, output_relu FROM layer_params",
      [&](sqlite3_stmt *row) { return readLayer(row, network.layers); });
  if (!error)
    error = database.forEachRow("SELECT layer, weight, bias, half_precision FROM layer_data",
                                [&](sqlite3_stmt *row) { return readWeights(row, network.layers); });
  if (!error)
    error = database.forEachRow("SELECT convnet, input_height, input_width, mean_activity FROM convnet_params",
                                [&](sqlite3_stmt *row) { return readMean(row, network); });
  if (error)
    return std::move(error);
  return std::move(network);
}

} // namespace nnc::ccv
