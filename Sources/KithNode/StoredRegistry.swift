// SPDX-License-Identifier: Apache-2.0

import KithAIOS
import KithMembership
import KithStore

/// Keeps the registry of the discovery role in the node's database.
struct StoredRegistry: RegistryStorage {
    let store: Store

    func load() async throws -> [UInt8]? { try await store.registrySnapshot() }

    func save(_ bytes: [UInt8]) async throws { try await store.saveRegistrySnapshot(bytes) }
}
