// SPDX-License-Identifier: Apache-2.0

import GRDB
package import KithModel

extension Store {
    /// Makes this the folder of another identity: whom the former one trusted, and who vouched for it, is forgotten.
    /// Conversations, clients' keys and the audit trail stay.
    package func startAnew(as id: NodeID) async throws(StoreError) {
        try await write { db in
            try db.execute(sql: "DELETE FROM trust_operation; DELETE FROM peer;")
            try db.execute(
                sql: """
                    INSERT INTO identity (id, node) VALUES (1, ?)
                    ON CONFLICT (id) DO UPDATE SET node = excluded.node
                    """,
                arguments: [id.blob])
        }
    }
}
