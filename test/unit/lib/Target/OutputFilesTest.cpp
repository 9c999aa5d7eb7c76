// Several files are replaced together, or none of them is.
#include "lib/Target/OutputFiles.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

#include "gtest/gtest.h"

using namespace llvm;

namespace {

class OutputFiles : public testing::Test {
protected:
  void SetUp() override { ASSERT_FALSE(sys::fs::createUniqueDirectory("output-files", folder)); }
  void TearDown() override { (void)sys::fs::remove_directories(folder); }

  std::string at(StringRef name) const { return (folder + "/" + name).str(); }
  void write(StringRef name, StringRef text) const {
    std::error_code error;
    raw_fd_ostream(at(name), error) << text;
  }
  /// The file's contents; "-" where there is none.
  std::string read(StringRef name) const {
    auto file = MemoryBuffer::getFile(at(name));
    return file ? (*file)->getBuffer().str() : "-";
  }
  void add(nnc::OutputFiles &files, StringRef name) const {
    ASSERT_FALSE(files.add(at(name), [&](raw_ostream &os) { os << "new " << name; }));
  }
  size_t countFiles() const {
    std::error_code error;
    size_t count = 0;
    for (sys::fs::directory_iterator entry(folder, error), end; entry != end && !error; entry.increment(error))
      ++count;
    return count;
  }

  SmallString<128> folder;
};

} // namespace

TEST_F(OutputFiles, ReplacesAll) {
  write("a", "old");
  nnc::OutputFiles files;
  add(files, "a");
  add(files, "b");
  EXPECT_EQ(read("a"), "old");
  EXPECT_FALSE(files.commit());
  EXPECT_EQ(read("a"), "new a");
  EXPECT_EQ(read("b"), "new b");
  EXPECT_EQ(countFiles(), 2u);
}

TEST_F(OutputFiles, KeepsWhatWasThereWhereOneFails) {
  write("a", "old");
  nnc::OutputFiles files;
  for (StringRef name : {"a", "b", "c", "d"})
    add(files, name);
  ASSERT_FALSE(sys::fs::create_directory(at("c"))); // which no file can replace
  Error error = files.commit();
  EXPECT_NE(toString(std::move(error)).find("cannot write '" + at("c") + "'"), std::string::npos);
  EXPECT_EQ(read("a"), "old");
  EXPECT_EQ(read("b"), "-");
  EXPECT_EQ(read("d"), "-");
  EXPECT_EQ(countFiles(), 2u); // a, and the folder
}

TEST_F(OutputFiles, TakesAllCharactersOfPathsAsTheyAre) {
  ASSERT_FALSE(sys::fs::create_directory(at("50%")));
  write("50%/a%%%", "old");
  nnc::OutputFiles files;
  add(files, "50%/a%%%");
  add(files, "50%/%b");
  EXPECT_FALSE(files.commit());
  EXPECT_EQ(read("50%/a%%%"), "new 50%/a%%%");
  EXPECT_EQ(read("50%/%b"), "new 50%/%b");
}

TEST_F(OutputFiles, LeavesNothingWithoutCommit) {
  {
    nnc::OutputFiles files;
    add(files, "a");
  }
  EXPECT_EQ(countFiles(), 0u);
}

TEST_F(OutputFiles, RefusesPathsBeforehand) {
  write("a", "old");
  EXPECT_FALSE(nnc::checkOutputPath(at("a")));
  EXPECT_FALSE(nnc::checkOutputPath(at("b")));
  EXPECT_FALSE(nnc::checkOutputFolder(at("c/d/e")));
  EXPECT_NE(toString(nnc::checkOutputFolder(at("a/d/e"))).find("is a file"), std::string::npos);
  EXPECT_NE(toString(nnc::checkOutputPath(at("c/b"))).find("there is no folder"), std::string::npos);
  sys::fs::setPermissions(at("a"), sys::fs::perms::all_read);
  if (sys::fs::access(at("a"), sys::fs::AccessMode::Write)) // not for root
    EXPECT_NE(toString(nnc::checkOutputPath(at("a"))).find("it exists and is read-only"), std::string::npos);
}
