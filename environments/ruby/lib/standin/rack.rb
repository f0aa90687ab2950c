# frozen_string_literal: true

# A stand-in for the gem of this name, with the part that functions use to answer.
module Rack
  # An answer that is put together step by step.
  class Response
    attr_accessor :status, :headers, :body

    def initialize(body = [], status = 200, headers = {})
      @status = status
      @headers = headers.dup
      @body = body.is_a?(String) ? [body] : body
    end

    def [](name) = @headers[name]
    alias get_header []

    def []=(name, value)
      @headers[name] = value
    end
    alias set_header []=

    def write(text)
      @body << text.to_s
    end

    def set_cookie(name, value)
      line = value.is_a?(Hash) ? "#{name}=#{value[:value]}; Path=#{value[:path] || '/'}" : "#{name}=#{value}"
      @headers['Set-Cookie'] = [@headers['Set-Cookie'], line].compact.join("\n")
    end

    def redirect(target, status = 302)
      @status = status
      @headers['Location'] = target
    end

    def finish = [@status, @headers, @body]
    alias to_a finish
  end
end
