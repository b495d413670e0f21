DROP TABLE feature_manifests;
