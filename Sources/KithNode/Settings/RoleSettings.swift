// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// The role `cell`.
package struct CellSettings: Hashable, Sendable {
    /// 0 stands for any free port.
    package var port: Int
    /// `cell_id` in answers; the node's name without one.
    package var id: String?
    package var branch: String

    package init(port: Int = 8000, id: String? = nil, branch: String = "main") {
        self.port = port
        self.id = id
        self.branch = branch
    }

    init(_ values: SettingValues) throws(SettingProblem) {
        self.init(
            port: try values.required(.cellPort, values.integer(.cellPort)), id: values.text(.cellID),
            branch: try values.required(.cellBranch, values.text(.cellBranch)))
    }
}

/// The role `bridge`.
package struct BridgeSettings: Hashable, Sendable {
    /// 0 stands for any free port.
    package var port: Int
    /// Cells beside those of kin.
    package var upstreams: [HTTPAddress]

    package init(port: Int = 3001, upstreams: [HTTPAddress] = []) {
        self.port = port
        self.upstreams = upstreams
    }

    init(_ values: SettingValues) throws(SettingProblem) {
        self.init(
            port: try values.required(.bridgePort, values.integer(.bridgePort)),
            upstreams: values.text(.bridgeUpstreams).map(SettingKind.entries)?.compactMap { HTTPAddress($0) } ?? [])
    }
}

/// Where HashiCorp Vault is, and what lets this node in.
package struct VaultSettings: Hashable, Sendable {
    package var address: HTTPAddress?
    package var token: Secret?
    package var roleID: String?
    package var secretID: Secret?
    /// Absolute; a PEM file.
    package var certificate: String?

    package init(
        address: HTTPAddress? = nil, token: Secret? = nil, roleID: String? = nil, secretID: Secret? = nil,
        certificate: String? = nil
    ) {
        self.address = address
        self.token = token
        self.roleID = roleID
        self.secretID = secretID
        self.certificate = certificate
    }

    init(_ values: SettingValues, sources: SettingSources) {
        self.init(
            address: values.text(.vaultAddress).flatMap { HTTPAddress($0) },
            token: values.text(.vaultToken).map { Secret($0) }, roleID: values.text(.vaultRoleID),
            secretID: values.text(.vaultSecretID).map { Secret($0) },
            certificate: values.path(.vaultCertificate, in: sources))
    }
}
