// SPDX-License-Identifier: Apache-2.0

package import SystemPackage

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Whether other users of the machine could change a file or folder that this process relies on.
package enum OwnedPath {
    /// How others could.
    package enum Exposure: Hashable, Sendable {
        /// Its owner is neither this process's user nor root, nor anybody else whom it trusts.
        case foreign(owner: UInt32)
        /// Its permissions let the group or everybody write.
        case writable(mode: UInt16)

        /// `belongs to the user 1001`
        package var description: String {
            switch self {
            case .foreign(let owner): "belongs to another user, of the number \(owner)"
            case .writable(let mode):
                "can be changed by other users of this machine: its mode is " + String(mode, radix: 8)
            }
        }

        /// A command that mends it.
        package func remedy(_ path: FilePath) -> String {
            switch self {
            case .foreign: "sudo chown \"$(id -u)\" '\(path)'"
            case .writable: "chmod go-w '\(path)'"
            }
        }
    }

    /// Who may write besides the owner.
    package enum Strictness: Sendable {
        /// Nobody.
        case ownerOnly
        /// The owner's group, as on machines where each user has one; and everybody in a folder in which, as in /tmp, each
        /// may change only what is theirs.
        case group
    }

    /// Who may own what a process relies on: its user and root. Root works for others too, as in a container whose folder is a
    /// mounted one, or by `sudo`: for it whoever owns the folder counts as well.
    package static func owners(of folder: FilePath, user: UInt32 = geteuid()) -> Set<UInt32> {
        guard user == 0, let status = try? Stat(folder) else { return [user, 0] }
        return [0, status.userID.rawValue]
    }

    /// - Returns: `nil` when nobody else could change it, and when there is no such file.
    /// - Throws: `Errno` when it cannot be looked at.
    package static func exposure(
        of path: FilePath, _ strictness: Strictness = .ownerOnly, owners: Set<UInt32> = [geteuid(), 0]
    ) throws(Errno) -> Exposure? {
        let status: Stat
        do {
            status = try Stat(path)
        } catch {
            if error == .noSuchFileOrDirectory { return nil }
            throw error
        }
        let owner = status.userID.rawValue
        guard owners.contains(owner) else { return .foreign(owner: owner) }
        let permissions = status.permissions
        let isShared = strictness == .group && permissions.contains(.saveText)
        let refused: FilePermissions = strictness == .group ? .otherWrite : [.groupWrite, .otherWrite]
        guard isShared || permissions.isDisjoint(with: refused) else {
            return .writable(mode: UInt16(permissions.rawValue))
        }
        return nil
    }
}
