#include "support/host_network.hpp"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <stdexcept>
#include <utility>

namespace imgimport {
namespace {

constexpr const char* kPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

// The script's last words where it fails, else nothing.
std::string trouble_with(const std::string& script) {
  ChildOptions options;
  options.program = "/bin/sh";
  options.arguments = {"-ec", script};
  options.environment = {{"PATH", kPath}};
  ChildProcess shell(options);
  const auto code = shell.wait(std::chrono::seconds(30));
  if (code == 0) return "";
  return script + ": " + (code ? shell.error_output() : "does not end");
}

void run(const std::string& script) {
  if (const std::string trouble = trouble_with(script); !trouble.empty()) throw std::runtime_error(trouble);
}

}  // namespace

std::string HostNetwork::impossible() {
  if (geteuid() != 0) return "network namespaces need root";
  return trouble_with(
      "unshare --net sh -ec 'ip link set lo up; ip link add left type veth peer name right; "
      "echo 1 >/proc/sys/net/ipv4/ip_forward; iptables -I FORWARD -d 10.77.1.2 -j DROP; nsenter --version >&2'");
}

HostNetwork::HostNetwork() {
  home_ = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
  if (home_ < 0 || unshare(CLONE_NEWNET) != 0) throw std::runtime_error("no network namespace was made");
  run("ip link set lo up; ip addr add " + router_ + "/32 dev lo; echo 1 >/proc/sys/net/ipv4/ip_forward");
}

HostNetwork::~HostNetwork() {
  hosts_.clear();
  setns(home_, CLONE_NEWNET);
  close(home_);
}

HostNetwork::Host& HostNetwork::host(const std::string& name) {
  if (const auto known = hosts_.find(name); known != hosts_.end()) return known->second;
  const std::string number = std::to_string(hosts_.size() + 1);
  const std::string subnet = "10.77." + number;
  ChildOptions options;
  options.program = "/usr/bin/setpriv";
  options.arguments = {"--pdeathsig", "KILL", "unshare", "--net", "sh", "-c", "echo up; exec sleep infinity"};
  options.environment = {{"PATH", kPath}};
  Host made{subnet + ".2", std::make_unique<ChildProcess>(options)};
  if (made.holder->read_line(std::chrono::seconds(30)) != "up") {
    throw std::runtime_error(made.holder->error_output());
  }
  const std::string pid = std::to_string(made.holder->pid());
  run("ip link add host" + number + " type veth peer name up0 netns " + pid + "; ip addr add " + subnet +
      ".1/24 dev host" + number + "; ip link set host" + number + " up; nsenter --net=/proc/" + pid +
      "/ns/net sh -ec 'ip link set lo up; ip addr add " + made.address + "/24 dev up0; ip link set up0 up; " +
      "ip route add default via " + subnet + ".1'");
  return hosts_.emplace(name, std::move(made)).first->second;
}

std::string HostNetwork::address(const std::string& name) {
  return host(name).address;
}

std::vector<std::string> HostNetwork::launcher(const std::string& name) {
  return {"/usr/bin/nsenter", "--net=/proc/" + std::to_string(host(name).holder->pid()) + "/ns/net"};
}

void HostNetwork::rules(const std::string& what, const std::string& name) {
  const std::string& address = host(name).address;
  std::string script;
  for (const char* chain : {"FORWARD", "INPUT", "OUTPUT"}) {
    for (const char* end : {"-s", "-d"}) {
      script += "iptables -w " + what + " " + chain + " " + end + " " + address + " -j DROP; ";
    }
  }
  run(script);
}

void HostNetwork::rules(const std::string& what, std::uint16_t port) {
  const std::string number = std::to_string(port);
  run("iptables -w " + what + " INPUT -p tcp --dport " + number + " -j DROP; iptables -w " + what +
      " OUTPUT -p tcp --sport " + number + " -j DROP");
}

void HostNetwork::cut(const std::string& name) {
  rules("-I", name);
}
void HostNetwork::mend(const std::string& name) {
  rules("-D", name);
}
void HostNetwork::cut(std::uint16_t port) {
  rules("-I", port);
}
void HostNetwork::mend(std::uint16_t port) {
  rules("-D", port);
}

}  // namespace imgimport
