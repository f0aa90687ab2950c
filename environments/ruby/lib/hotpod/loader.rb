# frozen_string_literal: true

module Hotpod
  # From an entry point to a method.
  module Loader
    module_function

    # Loads the method that entry names: `handler` when it is empty, `method` after loading the file or all of the
    # folder's files, or `file.method` after loading that file of the folder.
    def load_function(path, entry)
      before = methods_defined
      file, _, name = (entry.empty? ? 'handler' : entry).rpartition('.')
      if File.directory?(path)
        load_folder(path, file)
      elsif File.file?(path)
        load path
      else
        raise LoadError, "no code at #{path}"
      end
      find(name, path, methods_defined - before)
    end

    def load_folder(folder, file)
      gems = Dir[File.join(folder, 'vendor/bundle/ruby/*/gems/*/lib')]
      extensions = Dir[File.join(folder, 'vendor/bundle/ruby/*/extensions/*/*/*')]
      $LOAD_PATH.unshift(folder, File.join(folder, 'lib'), *gems, *extensions)
      files_of(folder, file).each { |each| require each }
    end

    def files_of(folder, file)
      return Dir[File.join(folder, '**/*.rb')].reject { |f| f.start_with?(File.join(folder, 'vendor/')) }.sort if file.empty?

      chosen = File.join(folder, "#{file}.rb")
      return [chosen] if File.file?(chosen)

      raise LoadError, "no file #{file}.rb in #{folder}, which has #{Dir.children(folder).sort.first(20).join(', ')}"
    end

    def methods_defined
      Object.private_instance_methods(false)
    end

    def find(name, path, defined)
      TOPLEVEL_BINDING.receiver.method(name)
    rescue NameError
      raise LoadError, "#{path} must define a method #{name}; it defines #{defined.empty? ? 'none' : defined.join(', ')}"
    end
  end
end
