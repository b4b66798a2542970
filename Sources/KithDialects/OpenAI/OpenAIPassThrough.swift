// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// Finds the model's name in the body of a request that is passed on as it is, which is all that this node has to know.
package enum OpenAIPassThrough {
    /// - Parameter contentType: The value of the field `Content-Type`: JSON, or a form.
    /// - Throws: `ChatError` with `malformedRequest` for what is neither, and for two names.
    package static func read(
        _ service: EngineService, contentType: String, _ bytes: [UInt8]
    ) throws(ChatError) -> PassThroughRequest {
        let place: PassThroughRequest.ModelPlace?
        let name: String?
        if isForm(contentType) {
            (place, name) = try inForm(bytes, contentType)
        } else {
            (place, name) = try inObject(bytes)
        }
        return PassThroughRequest(
            service: service, model: try OpenAIModelName.id(name), contentType: contentType, body: bytes,
            modelPlace: place)
    }

    package static func isForm(_ contentType: String) -> Bool {
        contentType.prefix { $0 != ";" }.filter { $0 != " " }.lowercased() == "multipart/form-data"
    }

    private static func inForm(
        _ bytes: [UInt8], _ contentType: String
    ) throws(ChatError) -> (PassThroughRequest.ModelPlace?, String?) {
        let named = try MultipartForm(bytes, contentType: contentType).parts.filter { $0.name == "model" }
        guard let part = named.first else { return (nil, nil) }
        guard named.count == 1 else { throw twice }
        guard !part.isFile, let name = String(validating: bytes[part.value], as: UTF8.self) else {
            throw ChatError.wrongType("model", "a string")
        }
        return (.form(part.value), name)
    }

    private static func inObject(_ bytes: [UInt8]) throws(ChatError) -> (PassThroughRequest.ModelPlace?, String?) {
        let (ranges, names): ([Range<Int>], [String?])
        do {
            (ranges, names) = try JSONScanner.scan(bytes) { scanner in
                var (ranges, names): ([Range<Int>], [String?]) = ([], [])
                try scanner.enterObject()
                while let token = try scanner.nextKey() {
                    guard scanner.matches(token, "model") else {
                        try scanner.skipValue()
                        continue
                    }
                    _ = scanner.kind()  // steps over white space
                    let start = scanner.index
                    names.append(try scanner.text(of: "model"))
                    ranges.append(start..<scanner.index)
                }
                try scanner.end()
                return (ranges, names)
            }
        } catch let failure as ChatError {
            throw failure
        } catch let problem as JSONError {
            throw ChatError(problem, in: bytes)
        } catch {
            throw ChatError(.malformedRequest, "the body is not valid JSON", cause: error)
        }
        guard ranges.count <= 1 else { throw twice }
        return (ranges.first.map { .json($0) }, names.first ?? nil)
    }

    private static var twice: ChatError {
        ChatError(.malformedRequest, "'model' is given more than once", field: "model")
    }
}
