import Glibc

/// A program run by a test, silent, found by name in PATH.
struct ChildProcess {
    private let identifier: pid_t

    /// Nil when it cannot be started.
    init?(_ arguments: [String]) {
        var actions = unsafe posix_spawn_file_actions_t()
        var identifier: pid_t = 0
        // Safety: the actions are initialized before and destroyed after their use; the argument
        // vector ends with nil and is freed after the call, which copies it.
        unsafe posix_spawn_file_actions_init(&actions)
        for descriptor in 0...2 as ClosedRange<Int32> {
            unsafe posix_spawn_file_actions_addopen(&actions, descriptor, "/dev/null", O_RDWR, 0)
        }
        var vector = unsafe arguments.map { unsafe strdup($0) }
        unsafe vector.append(nil)
        let error = unsafe posix_spawnp(&identifier, arguments[0], &actions, nil, vector, environ)
        for index in arguments.indices { unsafe free(vector[index]) }
        unsafe posix_spawn_file_actions_destroy(&actions)
        guard error == 0 else { return nil }
        self.identifier = identifier
    }

    /// Waits for its end; its exit code, or -1 after a signal.
    func wait() -> Int32 {
        var status: Int32 = 0
        // Safety: `status` outlives the call.
        while unsafe waitpid(identifier, &status, 0) < 0, errno == EINTR {}
        return status & 0x7F == 0 ? (status >> 8) & 0xFF : -1
    }

    /// Whether it still runs; it must be waited for all the same.
    var isRunning: Bool {
        var information = unsafe siginfo_t()
        // Safety: `information` outlives the call. WNOWAIT leaves the child to `wait`.
        let found = unsafe waitid(P_PID, id_t(identifier), &information, WEXITED | WNOHANG | WNOWAIT)
        return unsafe found == 0 && information.si_signo == 0
    }

    func kill() { _ = Glibc.kill(identifier, SIGKILL) }
}
