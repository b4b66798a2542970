// SPDX-License-Identifier: Apache-2.0

import Foundation
import KithModel
package import KithTrust
import SystemPackage

extension NodeIdentity {
    /// A new identity, whose files are deleted again.
    package static func temporary() throws -> NodeIdentity {
        let folder = FileManager.default.temporaryDirectory.appending(path: "kith-identity-\(UUID().uuidString)")
        try FileManager.default.createDirectory(
            at: folder, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
        defer { try? FileManager.default.removeItem(at: folder) }  // the system's folder is emptied anyway
        return try NodeIdentity.open(folder: FilePath(folder.path).appending("identity"), expected: nil, now: .now())
    }
}
