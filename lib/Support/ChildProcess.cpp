// A fork and a pipe. The child touches nothing but memory and its end of the pipe.
#include "lib/Support/ChildProcess.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace nnc {

/// Lets this process take so many bytes more than it has.
static void limitMemory(size_t bytes) {
  unsigned long pages = 0;
  std::FILE *file = std::fopen("/proc/self/statm", "re");
  bool isKnown = file && std::fscanf(file, "%lu", &pages) == 1;
  if (file)
    std::fclose(file);
  rlim_t most = rlim_t(pages) * sysconf(_SC_PAGESIZE) + bytes;
  rlimit memory{most, most};
  if (isKnown)
    setrlimit(RLIMIT_AS, &memory);
}

[[noreturn]] static void runChild(llvm::function_ref<bool(Sink)> work, ChildLimits limits, int output) {
  for (int signal : {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGTRAP, SIGXCPU, SIGPIPE})
    std::signal(signal, SIG_DFL);
  rlimit time{limits.seconds, limits.seconds}, core{0, 0};
  setrlimit(RLIMIT_CPU, &time);
  setrlimit(RLIMIT_CORE, &core);
  if (limits.memory)
    limitMemory(limits.memory);
  if (int null = open("/dev/null", O_WRONLY); null >= 0) {
    dup2(null, STDOUT_FILENO);
    dup2(null, STDERR_FILENO);
  }
  bool isWritten = true;
  bool isDone = work([&](llvm::StringRef bytes) {
    while (isWritten && !bytes.empty()) {
      ssize_t count = write(output, bytes.data(), bytes.size());
      isWritten = count > 0 || (count < 0 && errno == EINTR);
      bytes = bytes.drop_front(count > 0 ? count : 0);
    }
  });
  _exit(isDone && isWritten ? 0 : 1);
}

llvm::Expected<std::string> runInChild(llvm::function_ref<bool(Sink)> work, size_t maxBytes, ChildLimits limits) {
  std::array<int, 2> ends;
  if (pipe2(ends.data(), O_CLOEXEC) != 0)
    return llvm::createStringError("cannot make a pipe");
  pid_t child = fork();
  if (child == 0)
    runChild(work, limits, ends[1]);
  close(ends[1]);
  if (child < 0) {
    close(ends[0]);
    return llvm::createStringError("cannot start a process");
  }
  std::string result;
  std::array<char, 1 << 16> piece;
  bool isTooLong = false;
  for (;;) {
    ssize_t count = read(ends[0], piece.data(), piece.size());
    if (count < 0 && errno == EINTR)
      continue;
    isTooLong = count > 0 && result.size() + count > maxBytes;
    if (count <= 0 || isTooLong)
      break;
    result.append(piece.data(), count);
  }
  close(ends[0]);
  if (isTooLong)
    kill(child, SIGKILL);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (isTooLong || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
    return llvm::createStringError("the file is damaged");
  return result;
}

} // namespace nnc
