// SPDX-License-Identifier: Apache-2.0

import KithModel

/// Writes the events of one response, and numbers them.
struct ResponsesEvents: Sendable {
    private var sequence = 0

    mutating func append(_ name: String, _ members: JSONObject, to bytes: inout [UInt8]) {
        begin(name, to: &bytes)
        for (name, value) in members {
            bytes.append(UInt8(ascii: ","))
            JSONText.append(name, to: &bytes)
            bytes.append(UInt8(ascii: ":"))
            value.write(to: &bytes)
        }
        bytes.append(contentsOf: "}\n\n".utf8)
    }

    /// An event about an item.
    mutating func append(_ name: String, _ item: ResponsesItem, _ members: JSONObject, to bytes: inout [UInt8]) {
        var members = members
        if members["item"] == nil { members["item_id"] = .string(item.id) }
        members["output_index"] = .integer(Int64(item.place))
        append(name, members, to: &bytes)
    }

    /// A piece of text, of which most answers are made.
    mutating func append(
        _ name: String, _ item: ResponsesItem, contentIndex: Int, delta: String, _ logprobs: [JSONValue],
        to bytes: inout [UInt8]
    ) {
        begin(name, to: &bytes)
        let place =
            ",\"item_id\":\"\(item.id)\",\"output_index\":\(item.place),\"content_index\":\(contentIndex),\"delta\":"
        bytes.append(contentsOf: place.utf8)
        JSONText.append(delta, to: &bytes)
        bytes.append(contentsOf: ",\"logprobs\":".utf8)
        JSONValue.array(logprobs).write(to: &bytes)
        bytes.append(contentsOf: "}\n\n".utf8)
    }

    private mutating func begin(_ name: String, to bytes: inout [UInt8]) {
        let head = "event: \(name)\ndata: {\"type\":\"\(name)\",\"sequence_number\":\(sequence)"
        bytes.append(contentsOf: head.utf8)
        sequence += 1
    }
}
