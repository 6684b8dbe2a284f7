#include "imaging/confinement.hpp"

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace imgimport {
namespace {

constexpr rlim_t kOpenFiles = 64;
constexpr int kNiceness = 5;

#if defined(__x86_64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_AARCH64;
#else
constexpr std::uint32_t kArchitecture = 0;
#endif

// What is left is memory, threads, time, and the descriptors that are open. A list of what is allowed would be
// shorter to reason about, but five image libraries and every new glibc would have to be followed by it.
constexpr int kForbidden[] = {
#ifdef SYS_open
    SYS_open,
    SYS_creat,
    SYS_unlink,
    SYS_rename,
    SYS_mkdir,
    SYS_rmdir,
    SYS_link,
    SYS_symlink,
    SYS_chmod,
    SYS_chown,
    SYS_lchown,
    SYS_mknod,
    SYS_renameat,
#endif
    SYS_openat,
    SYS_openat2,
    SYS_unlinkat,
    SYS_renameat2,
    SYS_mkdirat,
    SYS_linkat,
    SYS_symlinkat,
    SYS_fchmodat,
    SYS_fchownat,
    SYS_mknodat,
    SYS_truncate,
    SYS_mount,
    SYS_umount2,
    SYS_pivot_root,
    SYS_chroot,
    SYS_setns,
    SYS_unshare,
    SYS_execve,
    SYS_execveat,
    SYS_socket,
    SYS_socketpair,
    SYS_connect,
    SYS_bind,
    SYS_listen,
    SYS_accept,
    SYS_accept4,
    SYS_ptrace,
    SYS_process_vm_readv,
    SYS_process_vm_writev,
    SYS_kill,
    SYS_tkill,
    SYS_pidfd_open,
    SYS_pidfd_send_signal,
    SYS_pidfd_getfd,
    SYS_bpf,
    SYS_perf_event_open,
    SYS_io_uring_setup,
    SYS_userfaultfd,
    SYS_keyctl,
    SYS_add_key,
    SYS_request_key,
    SYS_shmget,
    SYS_msgget,
    SYS_semget,
};

void set_limit(__rlimit_resource what, rlim_t value) {
  const rlimit limit{value, value};
  static_cast<void>(::setrlimit(what, &limit));
}

void die_first_when_memory_runs_out() {
  const int file = ::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (file < 0) return;
  constexpr std::string_view kFirst = "1000";
  static_cast<void>(::write(file, kFirst.data(), kFirst.size()) < 0);
  ::close(file);
}

Error failed(std::string_view what) {
  return Error(ErrorCode::kUnsupported, std::string(what) + ": " + std::generic_category().message(errno));
}

}  // namespace

Result<void> limit_process(std::uint64_t address_space_bytes) {
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return failed("die with the parent");
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return failed("give up privileges");
  if (!kUnderSanitizer) static_cast<void>(::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0));
  die_first_when_memory_runs_out();
  static_cast<void>(::setpriority(PRIO_PROCESS, 0, kNiceness));
  set_limit(RLIMIT_CORE, 0);
  // Writing is an error, not death: what libvips compiles at run time (by ORC) lies in a temporary file where that
  // works, and in memory where it does not.
  ::signal(SIGXFSZ, SIG_IGN);
  set_limit(RLIMIT_FSIZE, 0);
  set_limit(RLIMIT_NOFILE, kOpenFiles);
  if (address_space_bytes != 0) set_limit(RLIMIT_AS, static_cast<rlim_t>(address_space_bytes));
  return {};
}

Result<void> close_the_doors() {
  if (kUnderSanitizer || kArchitecture == 0) return {};
  constexpr auto kNumberAt = static_cast<std::uint32_t>(offsetof(seccomp_data, nr));
  constexpr auto kArchitectureAt = static_cast<std::uint32_t>(offsetof(seccomp_data, arch));
  std::vector<sock_filter> program = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, kArchitectureAt),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kArchitecture, 1, 0),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, kNumberAt),
  };
#if defined(__x86_64__)
  // The x32 calls are other numbers for the same things.
  program.push_back(BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 0, 1));
  program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS));
#endif
  // An error rather than death: libraries look for files (fonts, locales, settings) that they can do without.
  for (const int number : kForbidden) {
    program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(number), 0, 1));
    program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (EACCES & SECCOMP_RET_DATA)));
  }
  program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  const sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
  if (::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &filter) != 0) {
    return failed("set the filter of system calls");
  }
  return {};
}

void limit_cpu_time(std::chrono::seconds limit) {
  rusage used{};
  if (::getrusage(RUSAGE_SELF, &used) != 0) return;
  const auto seconds = static_cast<rlim_t>(used.ru_utime.tv_sec + used.ru_stime.tv_sec + 1 + limit.count());
  const rlimit soft{seconds, RLIM_INFINITY};
  static_cast<void>(::setrlimit(RLIMIT_CPU, &soft));
}

}  // namespace imgimport
