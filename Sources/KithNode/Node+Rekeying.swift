// SPDX-License-Identifier: Apache-2.0

package import KithModel
import KithStore
import KithTrust
import SystemPackage

/// A node's new identity.
package struct Rekeying: Sendable {
    package var id: NodeID
    /// Where the old key and certificate are kept, if there were any.
    package var kept: String?
}

extension Node {
    /// Gives a node that does not run a new identity. Its peers know the old one: all pairings must be made anew.
    ///
    /// The key comes before the database: a crash between them leaves a node that refuses to start and asks for this again.
    ///
    /// - Throws: ``NodeStartError`` when there is no node in the folder, it runs, or its files cannot be used.
    package static func rekey(dataDirectory: String, now: WallTime) async throws -> Rekeying {
        guard DataFolder.holdsNode(dataDirectory) else {
            throw NodeStartError(
                .dataFolder, "there is no node in \(dataDirectory); name its folder with --data-dir")
        }
        let folder = try DataFolder.claim(dataDirectory)
        let store = try folder.openStore()
        let renewed: (identity: NodeIdentity, kept: FilePath?)
        do {
            renewed = try NodeIdentity.renew(folder: identityFolder(in: dataDirectory), now: now)
        } catch {
            throw NodeStartError(.dataFolder, "no new identity can be made: \(error.message) \(error.fix)")
        }
        do {
            try await store.startAnew(as: renewed.identity.id)
            try await store.close()
        } catch {
            throw NodeStartError(
                .dataFolder,
                "the new identity was made, and the database does not know it yet: \(error.message) "
                    + "Run kith rekey again.")
        }
        withExtendedLifetime(folder) {}
        return Rekeying(id: renewed.identity.id, kept: renewed.kept?.string)
    }

    private static func identityFolder(in dataDirectory: String) -> FilePath {
        FilePath(dataDirectory).appending("state").appending("identity")
    }
}
