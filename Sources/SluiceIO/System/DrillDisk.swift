import CLinuxIO

/// Disks that can be filled without harm to anything else.
package enum DrillDisk {
    /// Mounts an empty file system in memory on the folder, seen by this process and its children only; it
    /// goes with them. To be called while the process has one thread. Needs no root where the kernel lets
    /// users make namespaces.
    package static func mount(on path: String, bytes: UInt64) throws(SystemError) {
        _ = try checked("unshare", clio_private_mounts())
        // Safety: the path lives as long as the call; so below.
        _ = try checked("mount", unsafe clio_mount_memory(path, bytes))
    }

    package static func unmount(_ path: String) { _ = unsafe clio_unmount(path) }

    /// Lets no file that the process writes to grow beyond `bytes`; nil: gives it back what it had at most.
    package static func limitFiles(of processID: Int32, bytes: UInt64?) throws(SystemError) {
        _ = try checked("prlimit", clio_limit_file_size(processID, bytes ?? .max))
    }
}
