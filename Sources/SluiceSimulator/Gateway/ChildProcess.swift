import Glibc
import SluiceIO

/// posix_spawn(3), wrapped.
enum ChildProcess {
    /// A child in a process group of its own, with default signal handling and nothing open but its
    /// three standard descriptors.
    ///
    /// - Returns: its id, and the writing end of the pipe that is its standard input.
    static func spawn(
        executable: String, arguments: [String], outputPath: String, workingFolder: String?,
        environment: [String]?
    ) throws(SystemError) -> (processID: Int32, standardInput: Int32) {
        var ends: [Int32] = [0, 0]
        // Safety: pipe2 writes two descriptors into an array of two.
        guard unsafe pipe2(&ends, O_CLOEXEC) == 0 else { throw SystemError(call: "pipe2", code: errno) }
        var plan = SpawnPlan(executable: executable, arguments: arguments, environment: environment)
        defer { plan.free() }
        let result = plan.spawn(
            input: ends[0], outputPath: outputPath, workingFolder: workingFolder)
        close(ends[0])
        guard case .success(let processID) = result else {
            close(ends[1])
            if case .failure(let error) = result { throw error }
            throw SystemError(call: "posix_spawn", code: EINVAL)
        }
        return (processID, ends[1])
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
        unsafe self.arguments = (["sluice"] + arguments).map { unsafe strdup($0) } + [nil]
        unsafe self.environment = (environment ?? []).map { unsafe strdup($0) } + [nil]
        inheritsEnvironment = environment == nil
    }

    mutating func free() {
        // Safety: each pointer came from strdup and is dropped here.
        for unsafe pointer in unsafe arguments + environment { unsafe Glibc.free(pointer) }
        unsafe arguments = []
        unsafe environment = []
    }

    mutating func spawn(
        input: Int32, outputPath: String, workingFolder: String?
    ) -> Result<Int32, SystemError> {
        var actions = posix_spawn_file_actions_t()
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
        unsafe posix_spawn_file_actions_addclosefrom_np(&actions, 3)
        if let workingFolder { unsafe posix_spawn_file_actions_addchdir_np(&actions, workingFolder) }
        unsafe sigemptyset(&none)
        unsafe sigfillset(&all)
        unsafe posix_spawnattr_setsigmask(&attributes, &none)
        unsafe posix_spawnattr_setsigdefault(&attributes, &all)
        unsafe posix_spawnattr_setpgroup(&attributes, 0)
        unsafe posix_spawnattr_setflags(
            &attributes,
            Int16(POSIX_SPAWN_SETPGROUP) | Int16(POSIX_SPAWN_SETSIGMASK) | Int16(POSIX_SPAWN_SETSIGDEF))
        let error = unsafe posix_spawn(
            &processID, executable, &actions, &attributes, &arguments,
            inheritsEnvironment ? environ : &environment)
        return error == 0
            ? .success(processID) : .failure(SystemError(call: "posix_spawn", code: error))
    }
}
