--- The public data sets: files, sizes, SHA-256, and where they are.
---
--- The sums of MNIST, Fashion-MNIST, KMNIST and of the two archives of CIFAR are those of the checksum files of TensorFlow
--- Datasets (tensorflow_datasets/url_checksums); those of the files inside the archives are the ones torchvision-ruby checks.
--- The sum decides whether a file is the published one, whatever mirror it comes from.
local catalogue = {}

local function file(name, size, sha256) return { name = name, size = size, sha256 = sha256 } end

local function idx(train_images, train_labels, test_images, test_labels)
  local names = { "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz", "t10k-images-idx3-ubyte.gz",
                  "t10k-labels-idx1-ubyte.gz" }
  local files = {}
  for i, row in ipairs { train_images, train_labels, test_images, test_labels } do files[i] = file(names[i], row[1], row[2]) end
  return files
end

local ten_size, mindspore = 30730000, "https://mindspore-website.obs.cn-north-4.myhuaweicloud.com/notebook/datasets/"

-- In the order in which they are shown.
catalogue.sets = {
  { name = "mnist", title = "MNIST, 70,000 digits of 28x28", licence = "CC BY-SA 3.0 (Y. LeCun, C. Cortes, C. Burges)",
    mirrors = { "https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/",
                "https://sagemaker-sample-files.s3.amazonaws.com/datasets/image/MNIST/" },
    files = idx({ 9912422, "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609" },
                { 28881, "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c" },
                { 1648877, "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6" },
                { 4542, "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6" }) },
  { name = "fashion_mnist", title = "Fashion-MNIST, 70,000 articles of 28x28", licence = "MIT (Zalando SE)",
    mirrors = { "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
                "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/" },
    files = idx({ 26421880, "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84" },
                { 29515, "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845" },
                { 4422102, "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073" },
                { 5148, "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5" }) },
  { name = "kmnist", title = "KMNIST, 70,000 cursive kana of 28x28", licence = "CC BY-SA 4.0 (CODH)",
    mirrors = { "https://codh.rois.ac.jp/kmnist/dataset/kmnist/", "http://codh.rois.ac.jp/kmnist/dataset/kmnist/" },
    files = idx({ 18165135, "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4" },
                { 29497, "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17" },
                { 3041136, "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5" },
                { 5120, "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c" }) },
  { name = "cifar10", title = "CIFAR-10, 60,000 photographs of 32x32", licence = "none stated (A. Krizhevsky 2009)",
    mirrors = { "https://www.cs.toronto.edu/~kriz/", mindspore,
                "https://storage.googleapis.com/s4tf-hosted-binaries/datasets/CIFAR10/" },
    archive = file("cifar-10-binary.tar.gz", 170052171, "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"),
    files = { file("data_batch_1.bin", ten_size, "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5"),
              file("data_batch_2.bin", ten_size, "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed"),
              file("data_batch_3.bin", ten_size, "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67"),
              file("data_batch_4.bin", ten_size, "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48"),
              file("data_batch_5.bin", ten_size, "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add"),
              file("test_batch.bin", ten_size, "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b") } },
  { name = "cifar100", title = "CIFAR-100, 60,000 photographs of 32x32", licence = "none stated (A. Krizhevsky 2009)",
    mirrors = { "https://www.cs.toronto.edu/~kriz/", mindspore },
    archive = file("cifar-100-binary.tar.gz", 168513733, "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec"),
    files = { file("train.bin", 153700000, "f31298fc616915fa142368359df1c4ca2ae984d6915ca468b998a5ec6aeebf29"),
              file("test.bin", 30740000, "d8b1e6b7b3bee4020055f0699b111f60b1af1e262aeb93a0b659061746f8224a") } },
}

---@param name string
---@return table|nil set
function catalogue.find(name)
  for _, set in ipairs(catalogue.sets) do
    if set.name == name or set.name == name:gsub("-", "_") then return set end
  end
  return nil
end

---@return string[] names of all sets
function catalogue.names()
  local names = {}
  for i, set in ipairs(catalogue.sets) do names[i] = set.name end
  return names
end

--- The published sums of a set's files, as data/files.lua takes them.
---@param name string
---@return table sums file name -> SHA-256 -> true
function catalogue.sums(name)
  local sums = {}
  for _, one in ipairs(assert(catalogue.find(name)).files) do sums[one.name] = { [one.sha256] = true } end
  return sums
end

return catalogue
