// SPDX-License-Identifier: Apache-2.0

import GRDB
package import KithModel

extension Store {
    /// The node that this folder belongs to, so that a lost key file is noticed instead of replaced by a new identity;
    /// `nil` before the first start. Blocks: for the start only.
    package func identityID() throws(StoreError) -> NodeID? {
        try readBlocking { db in
            try Row.fetchOne(db, sql: "SELECT node FROM identity").map { try NodeID($0, column: "node") }
        }
    }

    /// Notes whose folder this is, on the first start and when the node is given a new key. Blocks: for the start only.
    package func setIdentityID(_ id: NodeID) throws(StoreError) {
        try writeBlocking { db in
            try db.execute(
                sql:
                    "INSERT INTO identity (id, node) VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET node = excluded.node",
                arguments: [id.blob])
        }
    }
}
