// Walks an HDF5 file in memory. Links that lead out of the file, data that lie elsewhere, and filters that would have
// to be loaded are never followed.
#include "lib/Frontend/Hdf5/Hdf5Listing.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"

#include <hdf5.h>
#include <vector>

using namespace llvm;

namespace nnc::frontend {

static constexpr int maxDepth = 48;
static constexpr uint64_t maxObjects = 1 << 19;
static constexpr hsize_t maxStrings = 1 << 20;
static constexpr size_t maxStringBytes = size_t(1) << 28;

namespace {

/// An identifier of the library, closed at the end.
class Handle {
public:
  Handle(hid_t id, herr_t (*close)(hid_t)) : id(id), close(close) {}
  Handle(const Handle &) = delete;
  ~Handle() {
    if (id >= 0)
      close(id);
  }
  operator hid_t() const { return id; }

private:
  hid_t id;
  herr_t (*close)(hid_t);
};

class Lister {
public:
  explicit Lister(Sink sink) : sink(sink) {}
  bool listGroup(hid_t group, const std::string &path, int depth);
  void flush() {
    sink(buffer);
    buffer.clear();
  }

private:
  bool listAttributes(hid_t object, const std::string &path);
  bool listAttribute(hid_t attribute, const std::string &path, StringRef name);
  bool listDataset(hid_t dataset, const std::string &path);
  void begin(Hdf5Record record) {
    if (buffer.size() > (1 << 20))
      flush();
    buffer.push_back(static_cast<char>(record));
  }
  void number(uint64_t value) { buffer.append(reinterpret_cast<const char *>(&value), sizeof(value)); }
  void text(StringRef value) {
    number(value.size());
    buffer.append(value.begin(), value.end());
  }

  Sink sink;
  std::string buffer;
  uint64_t numObjects = 0;
};

} // namespace

static bool isKnownAttribute(StringRef name) {
  return name == "model_config" || name == "keras_version" || name == "backend" || name.starts_with("layer_names") ||
         name.starts_with("weight_names");
}

/// Appends strings of a fixed length, without what fills them up.
static bool readFixed(hid_t attribute, hid_t type, hsize_t count, std::vector<std::string> &strings) {
  size_t size = H5Tget_size(type);
  if (size == 0 || count * size > maxStringBytes)
    return false;
  std::vector<char> bytes(count * size);
  if (H5Aread(attribute, type, bytes.data()) < 0)
    return false;
  for (hsize_t i = 0; i < count; ++i) {
    StringRef text = StringRef(bytes.data() + i * size, size).rtrim('\0');
    strings.push_back((H5Tget_strpad(type) == H5T_STR_SPACEPAD ? text.rtrim(' ') : text).str());
  }
  return true;
}

static bool readVariable(hid_t attribute, hid_t type, hid_t space, hsize_t count, std::vector<std::string> &strings) {
  Handle memory(H5Tcopy(H5T_C_S1), H5Tclose);
  if (memory < 0 || H5Tset_size(memory, H5T_VARIABLE) < 0 || H5Tset_cset(memory, H5Tget_cset(type)) < 0)
    return false;
  std::vector<char *> pointers(count);
  if (H5Aread(attribute, memory, pointers.data()) < 0)
    return false;
  for (const char *pointer : pointers)
    strings.push_back(pointer ? pointer : "");
  return H5Dvlen_reclaim(memory, space, H5P_DEFAULT, pointers.data()) >= 0;
}

bool Lister::listAttribute(hid_t attribute, const std::string &path, StringRef name) {
  Handle type(H5Aget_type(attribute), H5Tclose), space(H5Aget_space(attribute), H5Sclose);
  hssize_t points = space < 0 ? -1 : H5Sget_simple_extent_npoints(space);
  if (type < 0 || points < 0 || static_cast<hsize_t>(points) > maxStrings)
    return false;
  std::vector<std::string> strings;
  // A list without entries has any type.
  if (points > 0 && H5Tget_class(type) != H5T_STRING)
    return true;
  if (points > 0 && !(H5Tis_variable_str(type) > 0 ? readVariable(attribute, type, space, points, strings)
                                                   : readFixed(attribute, type, points, strings)))
    return false;
  begin(Hdf5Record::Attribute);
  text(path);
  text(name);
  number(strings.size());
  for (const std::string &string : strings)
    text(string);
  return true;
}

bool Lister::listAttributes(hid_t object, const std::string &path) {
  std::vector<std::string> names;
  auto collect = [](hid_t, const char *name, const H5A_info_t *, void *data) -> herr_t {
    if (isKnownAttribute(name))
      static_cast<std::vector<std::string> *>(data)->push_back(name);
    return 0;
  };
  hsize_t position = 0;
  if (H5Aiterate2(object, H5_INDEX_NAME, H5_ITER_INC, &position, collect, &names) < 0)
    return false;
  for (const std::string &name : names) {
    Handle attribute(H5Aopen(object, name.c_str(), H5P_DEFAULT), H5Aclose);
    if (attribute < 0 || !listAttribute(attribute, path, name))
      return false;
  }
  return true;
}

/// The letter and size of an element type; 0 where nnc has none. Enumerations are h5py's booleans.
static std::pair<char, uint64_t> describeType(hid_t type) {
  size_t size = H5Tget_size(type);
  switch (H5Tget_class(type)) {
  case H5T_FLOAT:
    for (hid_t known : {H5T_IEEE_F32LE, H5T_IEEE_F64LE, H5T_IEEE_F32BE, H5T_IEEE_F64BE})
      if (H5Tequal(type, known) > 0)
        return {'f', size};
    // The library has no name for numbers of 16 bits; those with 5 bits of exponent are IEEE's.
    if (size == 2) {
      size_t sign, exponent, exponentBits, mantissa, mantissaBits;
      if (H5Tget_fields(type, &sign, &exponent, &exponentBits, &mantissa, &mantissaBits) >= 0 && exponentBits == 5)
        return {'f', size};
    }
    return {0, size};
  case H5T_INTEGER:
    return {H5Tget_sign(type) == H5T_SGN_NONE ? 'u' : 'i', size};
  case H5T_ENUM:
    return {size == 1 ? 'b' : 0, size};
  default:
    return {0, size};
  }
}

/// Whether the elements lie in the file one after the other, as they are in memory.
static bool isPlain(hid_t dataset, hid_t type, hid_t properties) {
  return H5Pget_layout(properties) == H5D_CONTIGUOUS && H5Pget_external_count(properties) == 0 &&
         (H5Tget_size(type) == 1 || H5Tget_order(type) == H5T_ORDER_LE) && H5Dget_offset(dataset) != HADDR_UNDEF;
}

bool Lister::listDataset(hid_t dataset, const std::string &path) {
  Handle type(H5Dget_type(dataset), H5Tclose), space(H5Dget_space(dataset), H5Sclose);
  Handle properties(H5Dget_create_plist(dataset), H5Pclose);
  if (type < 0 || space < 0 || properties < 0)
    return false;
  SmallVector<hsize_t> extents(H5S_MAX_RANK);
  int rank = H5Sget_simple_extent_dims(space, extents.data(), nullptr);
  if (rank < 0)
    return false;
  auto [kind, size] = describeType(type);
  // Elements of other files are nothing that nnc reads.
  if (H5Pget_external_count(properties) != 0 || H5Pget_layout(properties) == H5D_VIRTUAL)
    kind = 0;
  bool isThere = kind && isPlain(dataset, type, properties);
  begin(Hdf5Record::Dataset);
  text(path);
  number(kind);
  number(size);
  number(isThere);
  number(isThere ? H5Dget_offset(dataset) : 0);
  number(rank);
  for (int i = 0; i < rank; ++i)
    number(extents[i]);
  return true;
}

bool Lister::listGroup(hid_t group, const std::string &path, int depth) {
  if (depth > maxDepth || ++numObjects > maxObjects)
    return false;
  begin(Hdf5Record::Group);
  text(path);
  if (!listAttributes(group, path))
    return false;
  std::vector<std::string> names;
  auto collect = [](hid_t, const char *name, const H5L_info_t *info, void *data) -> herr_t {
    auto &names = *static_cast<std::vector<std::string> *>(data);
    if (info->type == H5L_TYPE_HARD)
      names.push_back(name);
    return names.size() > maxObjects ? -1 : 0;
  };
  hsize_t position = 0;
  if (H5Literate(group, H5_INDEX_NAME, H5_ITER_INC, &position, collect, &names) < 0)
    return false;
  for (const std::string &name : names) {
    Handle object(H5Oopen(group, name.c_str(), H5P_DEFAULT), H5Oclose);
    std::string inside = path.empty() ? name : path + "/" + name;
    H5I_type_t kind = object < 0 ? H5I_BADID : H5Iget_type(object);
    // What an optimiser keeps is as large as the weights, and of no use.
    if (object < 0 || ++numObjects > maxObjects)
      return false;
    if (inside == "optimizer_weights" || inside == "optimizer")
      continue;
    if ((kind == H5I_GROUP && !listGroup(object, inside, depth + 1)) ||
        (kind == H5I_DATASET && !listDataset(object, inside)))
      return false;
  }
  return true;
}

/// Opens the file in memory.
static hid_t openImage(StringRef content) {
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  H5PLset_loading_state(0);
  Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  if (access < 0 || H5Pset_fapl_core(access, 1 << 20, /*backing_store=*/0) < 0 ||
      H5Pset_file_image(access, const_cast<char *>(content.data()), content.size()) < 0)
    return -1;
  return H5Fopen("model", H5F_ACC_RDONLY, access);
}

bool listHdf5(StringRef content, Sink sink) {
  Handle file(openImage(content), H5Fclose);
  if (file < 0)
    return false;
  Handle root(H5Gopen2(file, "/", H5P_DEFAULT), H5Gclose);
  Lister lister(sink);
  if (root < 0 || !lister.listGroup(root, "", 0))
    return false;
  lister.flush();
  return true;
}

static hid_t getMemoryType(char kind, uint64_t bytes, hid_t fileType) {
  if (kind == 'f' && bytes != 2)
    return H5Tcopy(bytes == 4 ? H5T_NATIVE_FLOAT : H5T_NATIVE_DOUBLE);
  if (kind == 'i' || kind == 'u')
    return H5Tget_native_type(fileType, H5T_DIR_ASCEND);
  hid_t type = H5Tcopy(fileType);
  if (kind == 'f')
    H5Tset_order(type, H5T_ORDER_LE);
  return type;
}

bool readHdf5(StringRef content, StringRef path, size_t bytes, Sink sink) {
  Handle file(openImage(content), H5Fclose);
  if (file < 0)
    return false;
  Handle dataset(H5Dopen2(file, path.str().c_str(), H5P_DEFAULT), H5Dclose);
  if (dataset < 0)
    return false;
  Handle fileType(H5Dget_type(dataset), H5Tclose), space(H5Dget_space(dataset), H5Sclose);
  if (fileType < 0 || space < 0)
    return false;
  auto [kind, size] = describeType(fileType);
  Handle type(getMemoryType(kind, size, fileType), H5Tclose);
  hssize_t points = H5Sget_simple_extent_npoints(space);
  if (!kind || type < 0 || points < 0 || H5Tget_size(type) != size || points * size != bytes)
    return false;
  std::vector<char> elements(bytes);
  if (H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, elements.data()) < 0)
    return false;
  sink(StringRef(elements.data(), elements.size()));
  return true;
}

} // namespace nnc::frontend
