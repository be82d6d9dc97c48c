import Glibc
import SluiceIO
import Synchronization

/// posix_spawn(3), wrapped.
enum ChildProcess {
    /// A child in a process group of its own, with default signal handling. Beside its three standard
    /// descriptors it gets what is open here without close-on-exec, which nothing of ours is.
    ///
    /// - Returns: its id, and the writing end of the pipe that is its standard input.
    static func spawn(
        executable: String, arguments: [String], outputPath: String, workingFolder: String?,
        environment: [String]?
    ) throws(SystemError) -> (processID: Int32, standardInput: Int32) {
        var plan: SpawnPlan
        if let workingFolder {
            // env(1) changes the folder and becomes the program: the process id stays the same.
            plan = SpawnPlan(
                executable: "/usr/bin/env", arguments: ["env", "-C", workingFolder, executable] + arguments,
                environment: environment)
        } else {
            plan = SpawnPlan(
                executable: executable, arguments: ["sluice"] + arguments, environment: environment)
        }
        defer { plan.free() }
        let spawned = spawning.withLock { _ in spawn(&plan, outputPath: outputPath) }
        return try spawned.get()
    }

    /// Held while a pipe exists whose ends another spawn would pass on to its child, where they would
    /// keep the pipe open.
    private static let spawning = Mutex(())

    private static func spawn(
        _ plan: inout SpawnPlan, outputPath: String
    ) -> Result<(processID: Int32, standardInput: Int32), SystemError> {
        var ends: [Int32] = [0, 0]
        // Safety: pipe writes two descriptors into an array of two.
        guard unsafe pipe(&ends) == 0 else {
            return .failure(SystemError(call: "pipe", code: errno))
        }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        let result = plan.spawn(input: ends[0], outputPath: outputPath)
        close(ends[0])
        switch result {
        case .success(let processID): return .success((processID, ends[1]))
        case .failure(let error):
            close(ends[1])
            return .failure(error)
        }
    }
}

/// The C strings and attributes of one spawn. `free` must be called once.
@safe private struct SpawnPlan {
    private let executable: String
    private var arguments: [UnsafeMutablePointer<CChar>?]
    private var environment: [UnsafeMutablePointer<CChar>?]
    private let inheritsEnvironment: Bool

    init(executable: String, arguments: [String], environment: [String]?) {
        self.executable = executable
        // Safety: strdup copies; `free` releases each copy.
        unsafe self.arguments = arguments.map { unsafe strdup($0) } + [nil]
        unsafe self.environment = (environment ?? []).map { unsafe strdup($0) } + [nil]
        inheritsEnvironment = environment == nil
    }

    mutating func free() {
        // Safety: each pointer came from strdup and is dropped here.
        unsafe (arguments + environment).forEach { unsafe Glibc.free($0) }
        unsafe arguments = []
        unsafe environment = []
    }

    mutating func spawn(input: Int32, outputPath: String) -> Result<Int32, SystemError> {
        // Safety: a C struct of numbers and null pointers until it is initialized below.
        var actions = unsafe posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        var none = sigset_t()
        var all = sigset_t()
        var processID: Int32 = 0
        // Safety: both objects are initialized before use and destroyed after it; strings and sets
        // live through the calls that read them; the argument lists end with nil.
        unsafe posix_spawn_file_actions_init(&actions)
        unsafe posix_spawnattr_init(&attributes)
        defer {
            unsafe posix_spawn_file_actions_destroy(&actions)
            unsafe posix_spawnattr_destroy(&attributes)
        }
        unsafe posix_spawn_file_actions_adddup2(&actions, input, 0)
        unsafe posix_spawn_file_actions_addopen(
            &actions, 1, outputPath, O_WRONLY | O_CREAT | O_APPEND, 0o644)
        unsafe posix_spawn_file_actions_adddup2(&actions, 1, 2)
        unsafe sigemptyset(&none)
        unsafe sigfillset(&all)
        unsafe posix_spawnattr_setsigmask(&attributes, &none)
        unsafe posix_spawnattr_setsigdefault(&attributes, &all)
        unsafe posix_spawnattr_setpgroup(&attributes, 0)
        unsafe posix_spawnattr_setflags(
            &attributes,
            Int16(POSIX_SPAWN_SETPGROUP) | Int16(POSIX_SPAWN_SETSIGMASK) | Int16(POSIX_SPAWN_SETSIGDEF))
        let error =
            inheritsEnvironment
            ? unsafe posix_spawn(&processID, executable, &actions, &attributes, &arguments, environ)
            : unsafe posix_spawn(&processID, executable, &actions, &attributes, &arguments, &environment)
        return error == 0
            ? .success(processID) : .failure(SystemError(call: "posix_spawn", code: error))
    }
}
