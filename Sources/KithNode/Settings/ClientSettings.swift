// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// What the commands that ask a node are told.
package struct ClientSettings: Sendable {
    package var node: HTTPAddress

    /// - Throws: ``SettingProblem`` when the address is none.
    package init(url: String?, environment: [String: String]) throws(SettingProblem) {
        let own = environment.filter { $0.key == "KITH_URL" }
        let surroundings = Surroundings(currentDirectory: "/", homeDirectory: "/", hostName: "")
        let values = try SettingValues(
            SettingSources(
                flags: url.map { [.nodeURL: $0] } ?? [:], environment: own, surroundings: surroundings))
        node = try values.required(.nodeURL, values.text(.nodeURL).flatMap(HTTPAddress.init))
    }
}
